using System.Globalization;

namespace VaeCluster.Worker.Links.Shared;

/// <summary>Where a process' shared memory is found by others on the host, and how they know that it is the right one.</summary>
/// <param name="Process">Its id.</param>
/// <param name="Descriptor">The descriptor that it has there.</param>
/// <param name="Bytes">The size.</param>
/// <param name="Token">What is to be found in it.</param>
internal sealed record ArenaAddress(int Process, int Descriptor, long Bytes, byte[] Token)
{
    public static ArenaAddress Of(SharedArena arena) => new(Environment.ProcessId, arena.Descriptor, arena.Bytes, arena.Token);

    /// <summary>Equal for one memory, different for any two.</summary>
    public string Key => Convert.ToHexString(Token);
}

/// <summary>What a sender tells in a stream's request: where its ring is.</summary>
/// <param name="Arena">The sender's memory.</param>
/// <param name="Offset">Of the ring.</param>
/// <param name="Nonce">Stands in the ring for as long as it is this one and not withdrawn.</param>
internal sealed record RingOffer(ArenaAddress Arena, long Offset, ulong Nonce)
{
    public const string Key = "vaecluster-ring";

    public override string ToString() => MetadataText.Write(Arena, Offset, Nonce);

    /// <returns>Null when it is none.</returns>
    public static RingOffer? Parse(string? text) =>
        MetadataText.TryRead(text, out var arena, out var offset, out var nonce) && nonce != 0 ? new(arena, offset, nonce) : null;
}

/// <summary>What the receiver answers in the response's headers: it has found the ring, and counts there what it has taken.</summary>
/// <param name="Arena">The receiver's memory.</param>
/// <param name="Taken">Offset of the count.</param>
internal sealed record RingAnswer(ArenaAddress Arena, long Taken)
{
    public const string Key = "vaecluster-ring-taken";

    public override string ToString() => MetadataText.Write(Arena, Taken, 0);

    /// <returns>Null when it is none.</returns>
    public static RingAnswer? Parse(string? text) => MetadataText.TryRead(text, out var arena, out var offset, out _) ? new(arena, offset) : null;
}

/// <summary>Numbers between dots, as both sides put them into metadata.</summary>
file static class MetadataText
{
    public static string Write(ArenaAddress arena, long offset, ulong nonce) => string.Create(CultureInfo.InvariantCulture,
        $"{arena.Process}.{arena.Descriptor}.{arena.Bytes}.{Convert.ToHexString(arena.Token)}.{offset}.{nonce}");

    public static bool TryRead(string? text, out ArenaAddress arena, out long offset, out ulong nonce)
    {
        (arena, offset, nonce) = (null!, 0, 0);
        if (text?.Split('.') is not [var process, var descriptor, var bytes, var token, var at, var word]) return false;
        if (token.Length != 2 * SharedArena.TokenBytes || !token.All(char.IsAsciiHexDigit)) return false;
        if (!TryParse(process, out int id) || !TryParse(descriptor, out int number) || !TryParse(bytes, out long size)) return false;
        arena = new(id, number, size, Convert.FromHexString(token));
        return TryParse(at, out offset) && TryParse(word, out nonce);
    }

    private static bool TryParse<T>(string text, out T value)
        where T : struct, System.Numerics.INumber<T>
    {
        if (T.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed))
        {
            value = parsed;
            return true;
        }
        value = default;
        return false;
    }
}
