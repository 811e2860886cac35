using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using VaeCluster.Data.Images;
using VaeCluster.Data.Sources.Tar;

namespace VaeCluster.Data.Packing;

/// <summary>
/// Copies a data set into WebDataset shards with an index beside each. The images' bytes stay as they are (pixels without
/// a format become PNG). A shard appears complete, checked by reading it back, or not at all; packing again goes on
/// where it was left.
/// </summary>
public sealed class DataPacker
{
    private const string StateFile = "pack.json";
    private const string Unfinished = ".unfinished";
    private readonly DataSet data;
    private readonly string folder;
    private readonly long shardBytes;

    /// <param name="data">What to pack.</param>
    /// <param name="folder">Where the shards go.</param>
    /// <param name="shardBytes">A shard ends with the sample that reaches this.</param>
    public DataPacker(DataSet data, string folder, long shardBytes = 256L << 20)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shardBytes, 1);
        this.data = data;
        this.folder = Path.GetFullPath(folder);
        this.shardBytes = shardBytes;
    }

    private sealed record State(string Manifest, long ShardBytes);

    /// <summary>Packs what is not packed yet.</summary>
    /// <exception cref="UserErrorException">The folder holds something else, or a file can't be read or written.</exception>
    public PackReport Pack(IProgress<PackReport>? progress = null, CancellationToken cancellation = default)
    {
        try
        {
            Begin();
            var report = new PackReport(0, 0, 0, 0);
            foreach (var shard in PackPlan.Of(data.Manifest, shardBytes))
            {
                cancellation.ThrowIfCancellationRequested();
                var kept = IsPacked(shard);
                if (!kept) Write(shard, cancellation);
                report = new PackReport(report.Shards + 1, report.Kept + (kept ? 1 : 0), report.Samples + shard.Count,
                    report.Bytes + new FileInfo(PathOf(shard, ".tar")).Length);
                progress?.Report(report);
            }
            return report;
        }
        catch (SampleReadException error)
        {
            throw new UserErrorException($"Packing stopped: {error.Message}. Repair the file and pack again; finished shards are kept.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"Packing into {DisplayName.Of(folder)} stopped: {error.Message}. Mend that and pack again; finished shards are kept.", error);
        }
    }

    private void Begin()
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, StateFile);
        var state = new State(data.Manifest.Id, shardBytes);
        if (File.Exists(path))
        {
            if (!state.Equals(ReadState(path)))
                throw new UserErrorException($"{DisplayName.Of(folder)} holds shards of other data, or of another size. Name an empty folder.");
        }
        else if (Directory.EnumerateFiles(folder, "*.tar").Any())
        {
            throw new UserErrorException($"{DisplayName.Of(folder)} holds shards that were not made by this command. Name an empty folder.");
        }
        File.WriteAllText(path + Unfinished, JsonSerializer.Serialize(state));
        File.Move(path + Unfinished, path, overwrite: true);
        foreach (var left in Directory.EnumerateFiles(folder, $"*{Unfinished}")) File.Delete(left);
    }

    private static State? ReadState(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<State>(File.ReadAllText(path));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The index is written last, so a shard with one was whole; its headers still are.</summary>
    private bool IsPacked(PackedShard shard)
    {
        var tar = PathOf(shard, ".tar");
        if (!File.Exists(tar) || !File.Exists(PathOf(shard, ".idx"))) return false;
        try
        {
            return TarScan.Members(tar).LongCount() == shard.Count;
        }
        catch (UserErrorException)
        {
            return false;
        }
    }

    private void Write(PackedShard shard, CancellationToken cancellation)
    {
        var (tar, index) = (PathOf(shard, ".tar"), PathOf(shard, ".idx"));
        var hashes = new List<byte[]>();
        using (var stream = new FileStream(tar + Unfinished, FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 20))
        {
            using (var writer = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
            {
                for (var i = shard.First; i < shard.First + shard.Count; i++)
                {
                    var (bytes, extension) = Content(data.Manifest.SampleOf(shard.Split, i), cancellation);
                    hashes.Add(SHA256.HashData(bytes));
                    // The same bytes at each packing: no times, no owners.
                    writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, $"{i:D9}.{extension}")
                    {
                        DataStream = new MemoryStream(bytes),
                        ModificationTime = DateTimeOffset.UnixEpoch,
                        Mode = (UnixFileMode)0x1A4,
                    });
                }
            }
            stream.Flush(flushToDisk: true);
        }
        var members = ReadBack(tar + Unfinished, hashes);
        File.Move(tar + Unfinished, tar, overwrite: true);
        using (var stream = File.Create(index + Unfinished))
        {
            TarIndex.Write(stream, [.. members.Select(member => (Path.GetExtension(member.Name)[1..], member.Offset, member.Size))]);
            stream.Flush(flushToDisk: true);
        }
        File.Move(index + Unfinished, index, overwrite: true);
    }

    private (byte[] Bytes, string Extension) Content(long sample, CancellationToken cancellation)
    {
        var entry = data.Manifest[sample];
        var bytes = new byte[entry.Size];
        if (entry.Size > 0) data.Reader.Read(entry, bytes, cancellation);
        if (entry.Records is { } raw) return (PngEncoder.Encode(raw.Width, raw.Height, raw.Channels, bytes), "png");
        return (bytes, ImageDecoder.Probe(bytes).Format switch
        {
            ImageFormat.Jpeg => "jpg",
            ImageFormat.WebP => "webp",
            ImageFormat.Tiff => "tif",
            ImageFormat.Gif => "gif",
            ImageFormat.Bmp => "bmp",
            // A broken image stays one: whoever trains on the shards has it replaced as before.
            _ => "png",
        });
    }

    private static List<TarMember> ReadBack(string path, List<byte[]> hashes)
    {
        var members = TarScan.Members(path).ToList();
        using SafeFileHandle file = File.OpenHandle(path);
        var whole = members.Count == hashes.Count;
        for (var i = 0; whole && i < members.Count; i++)
        {
            var bytes = new byte[members[i].Size];
            var read = 0;
            while (read < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(read), members[i].Offset + read) is > 0 and var more) read += more;
            whole = SHA256.HashData(bytes).AsSpan().SequenceEqual(hashes[i]);
        }
        return whole ? members : throw new IOException($"what was written to {DisplayName.Of(path)} reads back differently: the storage is at fault");
    }

    private string PathOf(PackedShard shard, string ending) => Path.Combine(folder, shard.Name + ending);
}

/// <summary>How far packing came.</summary>
/// <param name="Shards">Finished, those that were there included.</param>
/// <param name="Kept">Of these, finished earlier.</param>
/// <param name="Samples">In them.</param>
/// <param name="Bytes">In them.</param>
public sealed record PackReport(long Shards, long Kept, long Samples, long Bytes);
