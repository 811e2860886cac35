using System.Collections;

namespace TorchSharp.Utils;

/// <summary>The elements of a tensor on the CPU, in the order of its dimensions whatever its strides.</summary>
public sealed unsafe class TensorAccessor<T> : IDisposable, IEnumerable<T>
    where T : unmanaged
{
    private readonly torch.Tensor _tensor;
    private readonly T* _start;
    private readonly long[] _shape;
    private readonly long[] _strides;
    private readonly bool _contiguous;

    internal TensorAccessor(torch.Tensor tensor)
    {
        _tensor = tensor;
        _start = (T*)tensor.DataPointer;
        _shape = tensor.shape;
        _strides = tensor.stride();
        _contiguous = tensor.is_contiguous();
        Count = tensor.NumberOfElements;
    }

    public long Count { get; }

    public bool IsReadOnly => false;

    /// <summary>One index per dimension, or a single one that counts over all elements.</summary>
    public T this[params long[] indices]
    {
        get => *At(indices);
        set => *At(indices) = value;
    }

    public T[] ToArray()
    {
        var array = new T[Count];
        CopyTo(array.AsSpan());
        return array;
    }

    /// <summary>Copies from element tensorIndex on to array[arrayIndex] on, until either ends.</summary>
    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    public void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var target = array[arrayIndex..];
        var count = (int)Math.Min(target.Length, Count - tensorIndex);
        if (_contiguous) new ReadOnlySpan<T>(_start + tensorIndex, count).CopyTo(target);
        else for (var i = 0; i < count; i++) target[i] = _start[Offset(tensorIndex + i)];
        GC.KeepAlive(_tensor);
    }

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0) =>
        CopyFrom((ReadOnlySpan<T>)array, arrayIndex, tensorIndex);

    public void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var source = array[arrayIndex..];
        var count = (int)Math.Min(source.Length, Count - tensorIndex);
        if (_contiguous) source[..count].CopyTo(new Span<T>(_start + tensorIndex, count));
        else for (var i = 0; i < count; i++) _start[Offset(tensorIndex + i)] = source[i];
        GC.KeepAlive(_tensor);
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (var i = 0L; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The tensor stays: the accessor only looks into it.</summary>
    public void Dispose() => GC.KeepAlive(_tensor);

    private T* At(long[] indices)
    {
        if (indices.Length == 1 && _shape.Length != 1) return _start + Offset(Checked(indices[0], Count));
        if (indices.Length != _shape.Length)
            throw new ArgumentException($"{indices.Length} indices for a tensor of {_shape.Length} dimensions.");
        var offset = 0L;
        for (var i = 0; i < indices.Length; i++) offset += Checked(indices[i], _shape[i]) * _strides[i];
        return _start + offset;
    }

    private static long Checked(long index, long length) =>
        (ulong)index < (ulong)length ? index : throw new ArgumentOutOfRangeException(nameof(index), $"Index {index} is outside [0, {length}).");

    // The element with this number, in elements from the start.
    private long Offset(long number)
    {
        if (_contiguous) return number;
        var offset = 0L;
        for (var i = _shape.Length - 1; i >= 0; i--)
        {
            (number, var index) = Math.DivRem(number, _shape[i]);
            offset += index * _strides[i];
        }
        return offset;
    }
}
