using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using VaeCluster.Data.Manifests;

namespace VaeCluster.Data.Sources.Tar;

/// <summary>
/// Where the images of a shard are: from the index beside it (shard.idx, in the form that DALI's wds2idx writes), from
/// the one that an earlier listing kept in the user's cache, or from the shard's headers.
/// </summary>
internal static class TarIndex
{
    public static ShardMembers Of(string shard, CancellationToken cancellation)
    {
        try
        {
            var info = new FileInfo(shard);
            var kept = KeptPath(info);
            foreach (var index in (string[])[Path.ChangeExtension(shard, ".idx"), $"{shard}.idx", kept])
                if (TryRead(index, info) is { } members) return members;

            var (offsets, sizes) = (new List<long>(), new List<long>());
            foreach (var member in TarScan.Members(shard))
            {
                if (offsets.Count % 4096 == 0) cancellation.ThrowIfCancellationRequested();
                if (!IsImage(member.Name)) continue;
                offsets.Add(member.Offset);
                sizes.Add(member.Size);
            }
            var scanned = new ShardMembers(info.Length, [.. offsets], [.. sizes]);
            Keep(kept, scanned);
            return scanned;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"The shard {DisplayName.Of(shard)} can't be read ({error.Message}). Make it readable or move it out of the data set.", error);
        }
    }

    /// <summary>What macOS's tar adds for its own use is no image, whatever it is called.</summary>
    public static bool IsImage(string name) =>
        ImageExtensions.Has(name) && !Path.GetFileName(name.AsSpan()).StartsWith("._", StringComparison.Ordinal);

    /// <summary>"v1.1 COUNT", then a line per image: extension, offset, size.</summary>
    public static void Write(Stream stream, IReadOnlyList<(string Extension, long Offset, long Size)> images)
    {
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine($"v1.1 {images.Count}");
        foreach (var (extension, offset, size) in images) writer.WriteLine($"{extension} {offset} {size}");
    }

    private static ShardMembers? TryRead(string index, FileInfo shard)
    {
        var info = new FileInfo(index);
        // An index older than its shard may be of another one.
        if (!info.Exists || info.LastWriteTimeUtc < shard.LastWriteTimeUtc || info.Length > int.MaxValue) return null;
        var members = Parse(File.ReadAllBytes(index), shard.Length);
        if (members is null || members.Offsets.Length == 0) return members;
        return TarScan.Confirms(shard.FullName, members.Offsets[^1], members.Sizes[^1])
            && TarScan.Confirms(shard.FullName, members.Offsets[0], members.Sizes[0]) ? members : null;
    }

    /// <summary>Null when anything in it is not as it should be: the shard's own headers are there to ask.</summary>
    private static ShardMembers? Parse(ReadOnlySpan<byte> text, long shardLength)
    {
        // v1.2 has the name as a fourth word.
        var words = text.StartsWith("v1.1 "u8) ? 3 : text.StartsWith("v1.2 "u8) ? 4 : 0;
        if (words == 0 || !Utf8Parser.TryParse(text[5..], out int count, out var used) || count < 0 || count > text.Length) return null;
        text = text[(5 + used)..];
        var (offsets, sizes) = (new List<long>(count), new List<long>(count));
        var lines = 0;
        while (NextLine(ref text) is { IsEmpty: false } line)
        {
            lines++;
            while (!line.IsEmpty)
            {
                var extension = NextWord(ref line);
                var offset = NextWord(ref line);
                var size = NextWord(ref line);
                if (words == 4) NextWord(ref line);
                if (!Utf8Parser.TryParse(offset, out long begin, out var all) || all != offset.Length) return null;
                if (!Utf8Parser.TryParse(size, out long bytes, out all) || all != size.Length) return null;
                if (begin < TarScan.Block || begin % TarScan.Block != 0 || bytes < 0 || bytes > shardLength - begin) return null;
                if (!ImageExtensions.Has($".{Encoding.UTF8.GetString(extension)}")) continue;
                offsets.Add(begin);
                sizes.Add(bytes);
            }
        }
        return lines == count ? new ShardMembers(shardLength, [.. offsets], [.. sizes]) : null;
    }

    private static ReadOnlySpan<byte> NextLine(ref ReadOnlySpan<byte> text)
    {
        text = text.TrimStart("\r\n"u8);
        var end = text.IndexOf((byte)'\n');
        var line = end < 0 ? text : text[..end];
        text = end < 0 ? [] : text[(end + 1)..];
        return line.TrimEnd("\r "u8);
    }

    private static ReadOnlySpan<byte> NextWord(ref ReadOnlySpan<byte> line)
    {
        var end = line.IndexOf((byte)' ');
        var word = end < 0 ? line : line[..end];
        line = end < 0 ? [] : line[(end + 1)..].TrimStart((byte)' ');
        return word;
    }

    private static string KeptPath(FileInfo shard)
    {
        var key = SHA256.HashData(Encoding.UTF8.GetBytes($"{shard.FullName}\n{shard.Length}\n{shard.LastWriteTimeUtc.Ticks}"));
        return Path.Combine(UserCache.Folder("indexes"), $"{Convert.ToHexStringLower(key)}.idx");
    }

    // Only ever a saving of time: where it can't be written, the next listing reads the headers again.
    private static void Keep(string path, ShardMembers members)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            Whole.WriteFile(path, temporary =>
            {
                using var stream = File.Create(temporary);
                Write(stream, [.. members.Offsets.Zip(members.Sizes, (offset, size) => ("png", offset, size))]);
            });
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
        }
    }
}
