using TorchSharp.Internal;

namespace TorchSharp;

/// <summary>A number or truth value without a tensor: c10::Scalar knows integers, doubles and booleans.</summary>
public sealed class Scalar : IDisposable
{
    internal Scalar(Tag tag, long bits)
    {
        Tag = tag;
        Bits = bits;
    }

    internal Tag Tag { get; }

    internal long Bits { get; }

    internal double Real => Tag == Tag.Real ? BitConverter.Int64BitsToDouble(Bits) : Bits;

    internal long Integer => Tag == Tag.Real ? (long)Real : Bits;

    public torch.ScalarType Type => Tag switch
    {
        Tag.Real => torch.ScalarType.Float64,
        Tag.Boolean => torch.ScalarType.Bool,
        _ => torch.ScalarType.Int64,
    };

    public static implicit operator Scalar(bool value) => new(Tag.Boolean, value ? 1 : 0);

    public static implicit operator Scalar(byte value) => new(Tag.Integer, value);

    public static implicit operator Scalar(sbyte value) => new(Tag.Integer, value);

    public static implicit operator Scalar(short value) => new(Tag.Integer, value);

    public static implicit operator Scalar(int value) => new(Tag.Integer, value);

    public static implicit operator Scalar(long value) => new(Tag.Integer, value);

    public static implicit operator Scalar(Half value) => (double)value;

    public static implicit operator Scalar(float value) => (double)value;

    public static implicit operator Scalar(double value) => new(Tag.Real, BitConverter.DoubleToInt64Bits(value));

    /// <summary>Nothing to free here; the official package's scalars are native objects.</summary>
    public void Dispose()
    {
    }
}

public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this bool value) => value;

    public static Scalar ToScalar(this byte value) => value;

    public static Scalar ToScalar(this sbyte value) => value;

    public static Scalar ToScalar(this short value) => value;

    public static Scalar ToScalar(this int value) => value;

    public static Scalar ToScalar(this long value) => value;

    public static Scalar ToScalar(this Half value) => value;

    public static Scalar ToScalar(this float value) => value;

    public static Scalar ToScalar(this double value) => value;

    public static bool ToBoolean(this Scalar value) => value.Real != 0;

    public static byte ToByte(this Scalar value) => (byte)value.Integer;

    public static sbyte ToSByte(this Scalar value) => (sbyte)value.Integer;

    public static short ToInt16(this Scalar value) => (short)value.Integer;

    public static int ToInt32(this Scalar value) => (int)value.Integer;

    public static long ToInt64(this Scalar value) => value.Integer;

    public static Half ToHalf(this Scalar value) => (Half)value.Real;

    public static float ToSingle(this Scalar value) => (float)value.Real;

    public static double ToDouble(this Scalar value) => value.Real;
}
