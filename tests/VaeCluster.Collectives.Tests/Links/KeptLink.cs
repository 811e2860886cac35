namespace VaeCluster.Collectives.Tests;

/// <summary>Keeps what is pushed, for tests that play the peer themselves.</summary>
internal sealed class KeptLink : ISegmentLink
{
    public List<(SegmentHeader Header, ReadOnlyMemory<byte> Payload)> Kept { get; } = [];

    public Action? OnPush { get; set; }

    public bool Released { get; set; } = true;

    public int Drops { get; private set; }

    public void Push(in SegmentHeader header, ReadOnlyMemory<byte> payload)
    {
        lock (Kept) Kept.Add((header, payload));
        OnPush?.Invoke();
    }

    public void Drop() => Drops++;

    public bool TryRelease(long step) => Released;
}
