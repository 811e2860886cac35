using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace TorchSharp.Internal;

/// <summary>
/// One argument of an operator, made by implicit conversion at the call; default means "not given", which leaves the
/// schema's default. Lists are not copied before <see cref="Write"/> puts them beside the values of the call.
/// </summary>
internal readonly ref struct Arg
{
    private readonly Tag _tag;
    private readonly int _count;
    private readonly long _bits;
    private readonly ReadOnlySpan<long> _words;
    private readonly object? _owner;

    private Arg(Tag tag, long bits = 0, int count = 0, object? owner = null)
    {
        _tag = tag;
        _bits = bits;
        _count = count;
        _owner = owner;
    }

    private Arg(Tag tag, ReadOnlySpan<long> words)
    {
        _tag = tag;
        _count = words.Length;
        _words = words;
    }

    internal bool IsMissing => _tag == Tag.Missing;

    internal static Arg None => new(Tag.None);

    public static implicit operator Arg(torch.Tensor? tensor) =>
        tensor is null ? None : new(Tag.Tensor, tensor.Handle, owner: tensor);

    public static implicit operator Arg(long value) => new(Tag.Integer, value);

    public static implicit operator Arg(long? value) => value is { } given ? new(Tag.Integer, given) : None;

    public static implicit operator Arg(bool value) => new(Tag.Boolean, value ? 1 : 0);

    public static implicit operator Arg(double value) => new(Tag.Real, BitConverter.DoubleToInt64Bits(value));

    public static implicit operator Arg(double? value) => value is { } given ? given : None;

    public static implicit operator Arg(torch.ScalarType value) => new(Tag.Integer, (long)value);

    public static implicit operator Arg(torch.ScalarType? value) => value is { } given ? given : None;

    public static implicit operator Arg(Scalar? value) => value is null ? None : new(value.Tag, value.Bits);

    public static implicit operator Arg(torch.Device? device) =>
        device is null ? None : new(Tag.Device, (long)device.type, device.index);

    public static implicit operator Arg(torch.Generator? generator) =>
        generator is null ? None : new(Tag.Generator, generator.Handle, owner: generator);

    public static implicit operator Arg(ReadOnlySpan<long> list) => new(Tag.Integers, list);

    public static implicit operator Arg(long[]? list) => list is null ? None : new(Tag.Integers, list.AsSpan());

    public static implicit operator Arg(double[]? list) =>
        list is null ? None : new(Tag.Reals, MemoryMarshal.Cast<double, long>(list));

    public static implicit operator Arg(string? text) =>
        text is null ? None : new(Tag.Text, count: Encoding.UTF8.GetByteCount(text), owner: text);

    /// <summary>A list of tensors, where null stands for "none" if the schema allows it.</summary>
    internal static Arg Tensors(IReadOnlyList<torch.Tensor?> list) => new(Tag.Tensors, count: list.Count, owner: list);

    /// <summary>How many 8-byte words this argument needs besides its value.</summary>
    internal int ExtraWords => _tag switch
    {
        Tag.Integers or Tag.Reals or Tag.Tensors => _count,
        Tag.Text => (_count + sizeof(long) - 1) / sizeof(long),
        _ => 0,
    };

    /// <summary>Writes the value, and what it points to into extra; returns what is left of extra.</summary>
    internal unsafe long* Write(ref Value value, long* extra)
    {
        value.Tag = _tag;
        value.Count = _count;
        value.Bits = _bits;
        if (_tag < Tag.Integers || _tag is Tag.Generator or Tag.Device) return extra;
        value.Bits = (long)extra;
        switch (_tag)
        {
            case Tag.Integers or Tag.Reals:
                _words.CopyTo(new Span<long>(extra, _count));
                break;
            case Tag.Tensors:
                var list = Unsafe.As<IReadOnlyList<torch.Tensor?>>(_owner)!;
                for (var i = 0; i < _count; i++) extra[i] = list[i]?.Handle ?? 0;
                break;
            case Tag.Text:
                Encoding.UTF8.GetBytes(Unsafe.As<string>(_owner), new Span<byte>(extra, _count));
                break;
        }
        return extra + ExtraWords;
    }

    /// <summary>Nothing that this argument refers to is finalized before this.</summary>
    internal void KeepAlive() => GC.KeepAlive(_owner);
}
