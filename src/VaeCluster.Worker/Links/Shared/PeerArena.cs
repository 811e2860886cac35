using System.Security.Cryptography;

namespace VaeCluster.Worker.Links.Shared;

/// <summary>
/// A peer's <see cref="SharedArena"/>, mapped here: all of it to be read, its bell to be rung. Unmapped when nobody holds it any
/// more, for sums may still read what a peer has left that is long gone.
/// </summary>
internal sealed unsafe class PeerArena
{
    private readonly byte* start;
    private readonly byte* bell;
    private readonly long bytes;

    /// <exception cref="IOException">The peer's memory is not to be seen here: the sentence says why.</exception>
    public PeerArena(ArenaAddress address)
    {
        bytes = address.Bytes;
        if (bytes < TokenEnd) throw new IOException("It is too small.");
        var descriptor = Libc.OpenMemory(address.Process, address.Descriptor, SharedArena.Name, bytes);
        try
        {
            start = (byte*)Libc.Map(descriptor, bytes, writable: false);
            bell = (byte*)Libc.Map(descriptor, Libc.PageBytes, writable: true);
        }
        finally
        {
            Libc.Close(descriptor);
        }
        var found = new ReadOnlySpan<byte>(start + SharedArena.TokenOffset, SharedArena.TokenBytes);
        if (!CryptographicOperations.FixedTimeEquals(found, address.Token)) throw new IOException("It has another token.");
    }

    ~PeerArena()
    {
        if (start != null) Libc.Unmap((nint)start, bytes);
        if (bell != null) Libc.Unmap((nint)bell, Libc.PageBytes);
    }

    public Bell Bell => new(bell);

    private static long TokenEnd => SharedArena.TokenOffset + SharedArena.TokenBytes;

    public bool Holds(long offset, long length) => offset >= TokenEnd && length >= 0 && offset <= bytes && length <= bytes - offset;

    /// <summary>Only for what it <see cref="Holds"/>.</summary>
    public byte* At(long offset) => start + offset;
}
