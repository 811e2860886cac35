using System.Numerics;
using System.Text;
using System.Text.Json;

namespace VaeCluster.Coordinator.Runs;

/// <summary>The form of a line: CRC-32C of the rest in eight hex digits, a space, the entry as JSON.</summary>
internal static class JournalLine
{
    private const int CheckLength = 8;

    public static byte[] Write(JournalEntry entry)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(entry, JournalEntry.Json);
        return [.. Encoding.ASCII.GetBytes($"{Crc(json):x8} "), .. json, (byte)'\n'];
    }

    /// <summary>Null for a line that was torn or altered.</summary>
    public static JournalEntry? TryRead(string line)
    {
        if (line.Length < CheckLength + 2 || line[CheckLength] != ' ') return null;
        var json = Encoding.UTF8.GetBytes(line[(CheckLength + 1)..]);
        if (!line.AsSpan(0, CheckLength).SequenceEqual($"{Crc(json):x8}")) return null;
        try
        {
            return JsonSerializer.Deserialize<JournalEntry>(json, JournalEntry.Json);
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException)
        {
            return null;
        }
    }

    private static uint Crc(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data) crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }
}
