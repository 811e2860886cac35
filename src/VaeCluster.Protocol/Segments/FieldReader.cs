using System.Buffers;

namespace VaeCluster.Protocol.Segments;

/// <summary>Protobuf's ways to encode a field's value.</summary>
internal enum WireType
{
    Varint = 0,
    Fixed64 = 1,
    LengthDelimited = 2,
    StartGroup = 3,
    EndGroup = 4,
    Fixed32 = 5,
}

/// <summary>Walks over the fields of a protobuf message without copying. What breaks the format is an InvalidDataException.</summary>
internal ref struct FieldReader(ReadOnlySequence<byte> message)
{
    /// <summary>Protobuf's own limit for nesting.</summary>
    private const int DeepestGroup = 100;

    private SequenceReader<byte> input = new(message);

    /// <returns>False at the message's end.</returns>
    public bool TryReadTag(out int field, out WireType type)
    {
        (field, type) = (0, default);
        if (input.End) return false;
        // Bits beyond the 32 of a tag are dropped, as Google's library drops them.
        var tag = (uint)ReadVarint();
        if (tag >> 3 == 0) throw new InvalidDataException($"A field's tag is {tag}, which is none.");
        (field, type) = ((int)(tag >> 3), (WireType)(tag & 7));
        return true;
    }

    public ulong ReadVarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (!input.TryRead(out var next)) throw Truncated();
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return value;
        }
        throw new InvalidDataException("A number has more than ten bytes.");
    }

    public ReadOnlySequence<byte> ReadBytes()
    {
        var length = ReadVarint();
        if (length > (ulong)input.Remaining) throw Truncated();
        input.TryReadExact((int)length, out var bytes);
        return bytes;
    }

    public void Skip(int field, WireType type)
    {
        if (type != WireType.StartGroup)
        {
            SkipValue(field, type);
            return;
        }

        // A loop, not a recursion: the nesting is the sender's choice.
        Span<int> open = stackalloc int[DeepestGroup];
        var depth = 0;
        open[depth++] = field;
        while (depth > 0)
        {
            if (!TryReadTag(out var inner, out var innerType)) throw Truncated();
            switch (innerType)
            {
                case WireType.StartGroup when depth == DeepestGroup:
                    throw new InvalidDataException($"Groups are nested more than {DeepestGroup} deep.");
                case WireType.StartGroup:
                    open[depth++] = inner;
                    break;
                case WireType.EndGroup when open[--depth] != inner:
                    throw new InvalidDataException($"The group of field {open[depth]} ends as field {inner}.");
                case WireType.EndGroup:
                    break;
                default:
                    SkipValue(inner, innerType);
                    break;
            }
        }
    }

    private void SkipValue(int field, WireType type)
    {
        switch (type)
        {
            case WireType.Varint: ReadVarint(); break;
            case WireType.Fixed64: Advance(8); break;
            case WireType.LengthDelimited: ReadBytes(); break;
            case WireType.Fixed32: Advance(4); break;
            default: throw new InvalidDataException($"Field {field} has wire type {(int)type}, which cannot stand here.");
        }
    }

    private void Advance(int bytes)
    {
        if (input.Remaining < bytes) throw Truncated();
        input.Advance(bytes);
    }

    private static InvalidDataException Truncated() => new("The message ends in the middle of a field.");
}
