using System.Buffers;
using System.Diagnostics;
using System.Text;

namespace VaeCluster.Protocol.Segments;

/// <summary>
/// Writes a segment as protobuf: the header's fields in order of their numbers, defaults left out, then the payload in
/// one copy from the sender's buffer.
/// </summary>
internal static class SegmentWriter
{
    /// <summary>Twelve fields of at most eleven bytes each, with both generations, besides the run's id.</summary>
    private const int LongestHeader = 16 * 11 + SegmentWire.LongestRun;

    private const int Varint = 0;
    private const int LengthDelimited = 2;

    /// <summary>Encodes header and payload's length; the payload itself follows these bytes.</summary>
    /// <returns>How many bytes of the destination were used.</returns>
    public static int WriteHeader(Span<byte> destination, in SegmentHeader header, int payloadBytes)
    {
        var output = new FieldWriter(destination);
        output.WriteText(SegmentWire.Run, header.Run);
        output.WriteGeneration(SegmentWire.Generation, header.Generation);
        output.WriteGeneration(SegmentWire.KnownGeneration, header.KnownGeneration);
        output.WriteNumber(SegmentWire.Step, header.Step);
        output.WriteNumber(SegmentWire.Bucket, header.Bucket);
        output.WriteNumber(SegmentWire.Chunk, header.Chunk);
        // A negative enum value would take ten bytes, as a sign-extended int32.
        output.WriteNumber(SegmentWire.Phase, (ulong)header.Phase);
        output.WriteNumber(SegmentWire.Format, (ulong)header.Format);
        output.WriteNumber(SegmentWire.Offset, header.Offset);
        output.WriteNumber(SegmentWire.FirstSlot, header.FirstSlot);
        output.WriteNumber(SegmentWire.Slots, header.Slots);
        output.WriteNumber(SegmentWire.Sender, header.Sender);
        if (payloadBytes > 0)
        {
            output.WriteTag(SegmentWire.Payload, LengthDelimited);
            output.WriteVarint((uint)payloadBytes);
        }
        return output.Written;
    }

    public static void Write(SegmentMessage segment, Grpc.Core.SerializationContext context)
    {
        Span<byte> header = stackalloc byte[LongestHeader];
        var payload = segment.Payload.Span;
        header = header[..WriteHeader(header, in segment.Header, payload.Length)];

        // The length first: the transport then takes one buffer of the right size, or writes through to its pipe.
        context.SetPayloadLength(checked(header.Length + payload.Length));
        var writer = context.GetBufferWriter();
        writer.Write(header);
        writer.Write(payload);
        context.Complete();
    }

    private ref struct FieldWriter(Span<byte> destination)
    {
        private readonly Span<byte> destination = destination;

        public int Written { get; private set; }

        public void WriteTag(int field, int wireType) => WriteVarint((uint)(field << 3 | wireType));

        public void WriteVarint(ulong value)
        {
            for (; value >= 0x80; value >>= 7) destination[Written++] = (byte)(value | 0x80);
            destination[Written++] = (byte)value;
        }

        public void WriteNumber(int field, ulong value)
        {
            if (value == 0) return;
            WriteTag(field, Varint);
            WriteVarint(value);
        }

        public void WriteText(int field, string text)
        {
            if (text.Length == 0) return;
            var length = Encoding.UTF8.GetByteCount(text);
            if (length > SegmentWire.LongestRun)
            {
                throw new ArgumentException($"A run's id has at most {SegmentWire.LongestRun} bytes, but this one has {length}.", nameof(text));
            }
            WriteTag(field, LengthDelimited);
            WriteVarint((uint)length);
            Written += Encoding.UTF8.GetBytes(text, destination[Written..]);
        }

        public void WriteGeneration(int field, PlanGeneration generation)
        {
            if (generation == default) return;
            WriteTag(field, LengthDelimited);
            var lengthAt = Written++;
            WriteNumber(V1.Generation.TermFieldNumber, generation.Term);
            WriteNumber(V1.Generation.NumberFieldNumber, generation.Number);
            Debug.Assert(Written - lengthAt - 1 < 0x80, "Two numbers take at most 22 bytes, so their length takes one.");
            destination[lengthAt] = (byte)(Written - lengthAt - 1);
        }
    }
}
