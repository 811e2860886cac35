using System.Runtime.CompilerServices;

namespace TorchSharp.Internal;

/// <summary>
/// An operator of ATen by the name and overload of its schema, looked up at its first call. Calling allocates only the
/// tensors that it returns.
/// </summary>
internal sealed unsafe class Op
{
    private const int MaxArguments = 10;
    private const int StackWords = 64;

    private readonly string _name;
    private readonly string _overload;
    private nint _handle;

    /// <param name="schema">As PyTorch writes it: <c>add.Tensor</c>, or <c>relu</c> where there is one overload.</param>
    internal Op(string schema)
    {
        var dot = schema.IndexOf('.', StringComparison.Ordinal);
        _name = "aten::" + (dot < 0 ? schema : schema[..dot]);
        _overload = dot < 0 ? "" : schema[(dot + 1)..];
    }

    /// <summary>Whether the libtorch at hand has it.</summary>
    internal bool Exists
    {
        get
        {
            int exists;
            Native.Check(Native.vts_has_operator(_name, _overload, &exists));
            return exists != 0;
        }
    }

    /// <summary>An operator with one tensor for a result.</summary>
    internal torch.Tensor Call(
        Arg a0 = default, Arg a1 = default, Arg a2 = default, Arg a3 = default, Arg a4 = default,
        Arg a5 = default, Arg a6 = default, Arg a7 = default, Arg a8 = default, Arg a9 = default)
    {
        Value result;
        Run(&result, 1, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9);
        return TensorOf(result);
    }

    /// <summary>An operator with two tensors for a result.</summary>
    internal (torch.Tensor, torch.Tensor) CallPair(Arg a0, Arg a1 = default, Arg a2 = default, Arg a3 = default, Arg a4 = default)
    {
        var results = stackalloc Value[2];
        Run(results, 2, a0, a1, a2, a3, a4);
        return (TensorOf(results[0]), TensorOf(results[1]));
    }

    /// <summary>An operator with three tensors for a result.</summary>
    internal (torch.Tensor, torch.Tensor, torch.Tensor) CallTriple(Arg a0, Arg a1 = default, Arg a2 = default, Arg a3 = default)
    {
        var results = stackalloc Value[3];
        Run(results, 3, a0, a1, a2, a3);
        return (TensorOf(results[0]), TensorOf(results[1]), TensorOf(results[2]));
    }

    /// <summary>An operator with a list of tensors for a result.</summary>
    internal torch.Tensor[] CallList(Arg a0, Arg a1 = default, Arg a2 = default)
    {
        Value result;
        Run(&result, 1, a0, a1, a2);
        var handles = (nint*)result.Bits;
        var tensors = new torch.Tensor[result.Count];
        for (var i = 0; i < tensors.Length; i++) tensors[i] = new torch.Tensor(handles[i]);
        return tensors;
    }

    /// <summary>An operator with a number or a truth value for a result.</summary>
    internal Value CallValue(Arg a0, Arg a1 = default, Arg a2 = default, Arg a3 = default, Arg a4 = default)
    {
        Value result;
        Run(&result, 1, a0, a1, a2, a3, a4);
        return result;
    }

    /// <summary>An operator that changes its first argument and returns it.</summary>
    internal torch.Tensor InPlace(
        torch.Tensor self, Arg a1 = default, Arg a2 = default, Arg a3 = default, Arg a4 = default)
    {
        Run(null, 0, self, a1, a2, a3, a4);
        return self;
    }

    private static torch.Tensor TensorOf(in Value value) =>
        value.Tag == Tag.Tensor ? new torch.Tensor((nint)value.Bits) : null!;

    [SkipLocalsInit]
    private void Run(
        Value* results, int capacity,
        Arg a0, Arg a1 = default, Arg a2 = default, Arg a3 = default, Arg a4 = default,
        Arg a5 = default, Arg a6 = default, Arg a7 = default, Arg a8 = default, Arg a9 = default)
    {
        if (_handle == 0) Resolve();
        var words = a0.ExtraWords + a1.ExtraWords + a2.ExtraWords + a3.ExtraWords + a4.ExtraWords
            + a5.ExtraWords + a6.ExtraWords + a7.ExtraWords + a8.ExtraWords + a9.ExtraWords;
        var onStack = stackalloc long[StackWords];
        fixed (long* onHeap = words > StackWords ? new long[words] : null)
        {
            var extra = onHeap == null ? onStack : onHeap;
            var values = stackalloc Value[MaxArguments];
            var count = 0;
            // The first missing argument ends the list: the schema has defaults for the rest.
            if (!a0.IsMissing) extra = a0.Write(ref values[count++], extra);
            if (count == 1 && !a1.IsMissing) extra = a1.Write(ref values[count++], extra);
            if (count == 2 && !a2.IsMissing) extra = a2.Write(ref values[count++], extra);
            if (count == 3 && !a3.IsMissing) extra = a3.Write(ref values[count++], extra);
            if (count == 4 && !a4.IsMissing) extra = a4.Write(ref values[count++], extra);
            if (count == 5 && !a5.IsMissing) extra = a5.Write(ref values[count++], extra);
            if (count == 6 && !a6.IsMissing) extra = a6.Write(ref values[count++], extra);
            if (count == 7 && !a7.IsMissing) extra = a7.Write(ref values[count++], extra);
            if (count == 8 && !a8.IsMissing) extra = a8.Write(ref values[count++], extra);
            if (count == 9 && !a9.IsMissing) a9.Write(ref values[count++], extra);
            var status = Native.vts_call(_handle, values, count, capacity, results);
            a0.KeepAlive();
            a1.KeepAlive();
            a2.KeepAlive();
            a3.KeepAlive();
            a4.KeepAlive();
            a5.KeepAlive();
            a6.KeepAlive();
            a7.KeepAlive();
            a8.KeepAlive();
            a9.KeepAlive();
            Native.Check(status);
        }
    }

    private void Resolve()
    {
        nint handle;
        Native.Check(Native.vts_operator(_name, _overload, &handle));
        // Two threads may both ask; both answers serve, and operators are never freed.
        _handle = handle;
    }
}
