using System.Buffers;
using System.Text;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Protocol.Segments;

/// <summary>
/// Reads a segment from protobuf, by protobuf's rules: fields in any order, the last of a repeated one counts, unknown
/// ones are skipped. The payload stays where it is until the whole header is known; then the sink says where it goes.
/// </summary>
internal sealed class SegmentReader(ISegmentSink sink)
{
    // A stream's segments all name the same run.
    private volatile string lastRun = "";

    /// <exception cref="InvalidDataException">The bytes are no segment, or the payload does not fit its place.</exception>
    /// <exception cref="SegmentRefusedException">The sink refused the segment.</exception>
    public SegmentMessage Read(in ReadOnlySequence<byte> message)
    {
        var header = ReadHeader(message, out var payload);
        var length = checked((int)payload.Length);
        var place = sink.PlaceFor(in header, length);
        if (place.Refusal is { } reason) throw new SegmentRefusedException(reason);
        if (place.Destination is not { } destination) return new SegmentMessage(in header, default) { Skipped = true };
        if (destination.Length != length)
        {
            throw new InvalidDataException(
                $"The payload has {length} bytes where {destination.Length} belong (step {header.Step}, bucket {header.Bucket}, "
                + $"chunk {header.Chunk}, offset {header.Offset}, sender {header.Sender}).");
        }
        payload.CopyTo(destination.Span);
        return new SegmentMessage(in header, destination);
    }

    internal SegmentHeader ReadHeader(in ReadOnlySequence<byte> message, out ReadOnlySequence<byte> payload)
    {
        var fields = new FieldReader(message);
        payload = default;
        var run = "";
        PlanGeneration generation = default, known = default;
        ulong step = 0, offset = 0;
        uint bucket = 0, chunk = 0, firstSlot = 0, slots = 0, sender = 0;
        var (phase, format) = (Phase.Unspecified, WireFormat.Unspecified);
        while (fields.TryReadTag(out var field, out var type))
        {
            switch (field, type)
            {
                case (SegmentWire.Run, WireType.LengthDelimited): run = ReadRun(fields.ReadBytes()); break;
                case (SegmentWire.Generation, WireType.LengthDelimited): generation = ReadGeneration(fields.ReadBytes(), generation); break;
                case (SegmentWire.KnownGeneration, WireType.LengthDelimited): known = ReadGeneration(fields.ReadBytes(), known); break;
                case (SegmentWire.Step, WireType.Varint): step = fields.ReadVarint(); break;
                case (SegmentWire.Bucket, WireType.Varint): bucket = (uint)fields.ReadVarint(); break;
                case (SegmentWire.Chunk, WireType.Varint): chunk = (uint)fields.ReadVarint(); break;
                case (SegmentWire.Phase, WireType.Varint): phase = (Phase)fields.ReadVarint(); break;
                case (SegmentWire.Format, WireType.Varint): format = (WireFormat)fields.ReadVarint(); break;
                case (SegmentWire.Offset, WireType.Varint): offset = fields.ReadVarint(); break;
                case (SegmentWire.FirstSlot, WireType.Varint): firstSlot = (uint)fields.ReadVarint(); break;
                case (SegmentWire.Slots, WireType.Varint): slots = (uint)fields.ReadVarint(); break;
                case (SegmentWire.Sender, WireType.Varint): sender = (uint)fields.ReadVarint(); break;
                case (SegmentWire.Payload, WireType.LengthDelimited): payload = fields.ReadBytes(); break;
                default: fields.Skip(field, type); break;
            }
        }
        return new SegmentHeader
        {
            Run = run,
            Generation = generation,
            KnownGeneration = known,
            Step = step,
            Bucket = bucket,
            Chunk = chunk,
            Phase = phase,
            Format = format,
            Offset = offset,
            FirstSlot = firstSlot,
            Slots = slots,
            Sender = sender,
        };
    }

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private string ReadRun(in ReadOnlySequence<byte> bytes)
    {
        if (bytes.Length > SegmentWire.LongestRun)
        {
            throw new InvalidDataException($"The run's id has {bytes.Length} bytes; {SegmentWire.LongestRun} are allowed.");
        }
        Span<byte> copy = stackalloc byte[SegmentWire.LongestRun];
        bytes.CopyTo(copy);
        copy = copy[..(int)bytes.Length];
        Span<char> text = stackalloc char[SegmentWire.LongestRun];
        try
        {
            text = text[..Utf8.GetChars(copy, text)];
        }
        catch (DecoderFallbackException)
        {
            throw new InvalidDataException("The run's id is not UTF-8.");
        }
        var known = lastRun;
        return text.SequenceEqual(known) ? known : lastRun = text.ToString();
    }

    private static PlanGeneration ReadGeneration(in ReadOnlySequence<byte> message, PlanGeneration before)
    {
        var fields = new FieldReader(message);
        var (term, number) = before;
        while (fields.TryReadTag(out var field, out var type))
        {
            switch (field, type)
            {
                case (V1.Generation.TermFieldNumber, WireType.Varint): term = fields.ReadVarint(); break;
                case (V1.Generation.NumberFieldNumber, WireType.Varint): number = fields.ReadVarint(); break;
                default: fields.Skip(field, type); break;
            }
        }
        return new PlanGeneration(term, number);
    }
}
