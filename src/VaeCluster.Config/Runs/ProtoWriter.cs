using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace VaeCluster.Config.Runs;

/// <summary>The few forms of protobuf's wire format that an event needs: a field's number and type, then its value.</summary>
internal sealed class ProtoWriter
{
    private readonly ArrayBufferWriter<byte> bytes = new();

    public ReadOnlySpan<byte> Written => bytes.WrittenSpan;

    public ProtoWriter Varint(int field, ulong value) => Key(field, 0).Number(value);

    public ProtoWriter Double(int field, double value)
    {
        Span<byte> eight = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleLittleEndian(eight, value);
        Key(field, 1).bytes.Write(eight);
        return this;
    }

    public ProtoWriter Float(int field, float value)
    {
        Span<byte> four = stackalloc byte[4];
        BinaryPrimitives.WriteSingleLittleEndian(four, value);
        Key(field, 5).bytes.Write(four);
        return this;
    }

    public ProtoWriter Bytes(int field, ReadOnlySpan<byte> value)
    {
        Key(field, 2).Number((ulong)value.Length).bytes.Write(value);
        return this;
    }

    public ProtoWriter Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    public ProtoWriter Message(int field, ProtoWriter value) => Bytes(field, value.Written);

    /// <summary>Fields of the same message.</summary>
    public ProtoWriter Append(ProtoWriter fields)
    {
        bytes.Write(fields.Written);
        return this;
    }

    private ProtoWriter Key(int field, int type) => Number((ulong)(field << 3 | type));

    private ProtoWriter Number(ulong value)
    {
        for (; value >= 0x80; value >>= 7) bytes.Write([(byte)(value | 0x80)]);
        bytes.Write([(byte)value]);
        return this;
    }
}
