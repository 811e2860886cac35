using System.Runtime.InteropServices;
using VaeCluster.Collectives;

namespace VaeCluster.Worker.Links.Shared;

/// <summary>A segment in a ring: its header, but for what is the same for the whole stream, and where its payload lies.</summary>
[StructLayout(LayoutKind.Sequential, Size = Bytes)]
internal struct RingEntry
{
    public const int Bytes = 64;

    public ulong Step;
    public ulong HeldTerm;
    public ulong HeldNumber;
    public ulong Offset;

    /// <summary>In the sender's memory.</summary>
    public long Payload;
    public int PayloadBytes;
    public uint Bucket;
    public uint Chunk;
    public uint FirstSlot;
    public uint Slots;
    public byte Phase;
    public byte Format;

    public static RingEntry Of(in SegmentHeader header, long payload, int payloadBytes) => new()
    {
        Step = header.Step,
        HeldTerm = header.Held.Term,
        HeldNumber = header.Held.Number,
        Offset = header.Offset,
        Payload = payload,
        PayloadBytes = payloadBytes,
        Bucket = header.Bucket,
        Chunk = header.Chunk,
        FirstSlot = header.FirstSlot,
        Slots = header.Slots,
        Phase = (byte)header.Phase,
        Format = (byte)header.Format,
    };

    public readonly SegmentHeader ToHeader(StreamIdentity stream) => new()
    {
        Run = stream.Run,
        Generation = stream.Generation,
        Held = new(HeldTerm, HeldNumber),
        Step = Step,
        Bucket = Bucket,
        Chunk = Chunk,
        Phase = (SegmentPhase)Phase,
        Format = (WireFormat)Format,
        Offset = Offset,
        FirstSlot = FirstSlot,
        Slots = Slots,
        Sender = (uint)stream.Rank,
    };
}

/// <summary>
/// A ring's place in the sender's memory. The sender alone writes to it.
/// <code>
/// 0      the nonce; 0 once the ring is withdrawn
/// 64     how many entries were put in
/// 4096   the entries, in turn
/// </code>
/// </summary>
internal static class RingLayout
{
    public const int Published = 64;
    public const int Entries = Libc.PageBytes;

    /// <summary>More than two steps of a large model have pieces. What finds the ring full goes by gRPC.</summary>
    public const int Capacity = 4096;
    public const long Bytes = Entries + (long)Capacity * RingEntry.Bytes;
}
