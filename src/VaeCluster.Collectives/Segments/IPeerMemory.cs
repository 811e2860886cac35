namespace VaeCluster.Collectives;

/// <summary>
/// Memory of a peer, mapped here to be read only, in which payloads lie until the peer withdraws them. It stays mapped for
/// as long as somebody holds this.
/// </summary>
public interface IPeerMemory
{
    /// <summary>
    /// Whether the peer has withdrawn what it pushed by this link, for good. Asked after a payload has been read: where it is
    /// false then, what was read is what was pushed. Has acquire semantics.
    /// </summary>
    bool IsWithdrawn { get; }
}
