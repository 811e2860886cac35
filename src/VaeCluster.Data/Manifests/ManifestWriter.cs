using System.Security.Cryptography;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Manifests;

/// <summary>
/// Writes a manifest into a file without a name, and opens it. Whatever the order in which a source found its samples,
/// the manifest has them sorted by split and path.
/// </summary>
internal sealed unsafe class ManifestWriter(SplitOptions options, CancellationToken cancellation)
{
    /// <summary>One file per sample. Splits, when the source knows them, are used unless the options ask for a share.</summary>
    public Manifest Files(List<(string Path, long Size, Split? Split)> files)
    {
        var bySource = UseSource(files.Select(file => file.Split));
        // A split of the source that says nothing of some files leaves these out.
        if (bySource) files.RemoveAll(file => file.Split is null);
        files.Sort((one, other) =>
        {
            var order = bySource ? one.Split!.Value.CompareTo(other.Split!.Value) : 0;
            return order != 0 ? order : string.CompareOrdinal(one.Path, other.Path);
        });
        return Write(ManifestKind.Files, bySource, [.. Counts(files.Select(file => (file.Split, 1L)))],
            stream => FileTable.Write(stream, files.ConvertAll(file => (file.Path, file.Size))));
    }

    public Manifest Records(List<(RecordFile File, Split? Split)> files)
    {
        var bySource = UseSource(files.Select(file => file.Split));
        if (bySource) files.RemoveAll(file => file.Split is null);
        var sorted = files.OrderBy(file => bySource ? file.Split : 0).ThenBy(file => file.File.Path, StringComparer.Ordinal).ToList();
        return Write(ManifestKind.Records, bySource, Counts(sorted.Select(file => (file.Split, file.File.Count))),
            stream => RecordTable.Write(stream, sorted.ConvertAll(file => file.File)));
    }

    /// <summary>Shards, listed one at a time: their members are never all in memory.</summary>
    public Manifest Shards(IEnumerable<(string Path, Split? Split)> shards, Func<string, ShardMembers> list)
    {
        var all = shards.ToList();
        var bySource = UseSource(all.Select(shard => shard.Split));
        if (bySource) all.RemoveAll(shard => shard.Split is null);
        var counts = new List<(Split?, long)>();
        return Write(ManifestKind.Shards, bySource, Counts(counts), stream =>
        {
            var writer = new ShardTable.Writer(stream);
            foreach (var (path, split) in all.OrderBy(shard => bySource ? shard.Split : 0).ThenBy(shard => shard.Path, StringComparer.Ordinal))
            {
                cancellation.ThrowIfCancellationRequested();
                var members = list(path);
                writer.Add(path, members.FileSize, members.Offsets, members.Sizes);
                counts.Add((split, members.Offsets.Length));
            }
            return writer.Close();
        });
    }

    internal static byte[] HashOf(Stream stream)
    {
        stream.Position = ManifestHeader.HashedFrom;
        return SHA256.HashData(stream);
    }

    private bool UseSource(IEnumerable<Split?> splits)
    {
        var known = splits.Distinct().ToHashSet();
        var sourceKnows = known.Contains(Split.Train) && (known.Contains(Split.Validation) || known.Contains(Split.Test));
        if (options.By == SplitMode.Source && !sourceKnows)
        {
            throw new UserErrorException("data.split.by is 'source', but this source has neither a partition file nor files, folders or "
                + "shards named train beside some named val or test. Set it to 'share' or 'auto'.");
        }
        return options.By != SplitMode.Share && sourceKnows;
    }

    // Evaluated late: a shard's count is known once it was listed.
    private static IEnumerable<(Split? Split, long Count)> Counts(IEnumerable<(Split?, long)> counts) => counts;

    private Manifest Write(ManifestKind kind, bool bySource, IEnumerable<(Split? Split, long Count)> counts,
        Func<Stream, (long Directory, long Parts)> table)
    {
        var path = Path.Combine(Path.GetTempPath(), $"vaecluster-manifest-{Guid.NewGuid():N}.tmp");
        using var stream = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, 1 << 20);
        // On Linux the name may go at once: the mapping keeps the content, and nothing is left behind.
        File.Delete(path);

        var header = new ManifestHeader { Magic = ManifestHeader.MagicNumber, Kind = (int)kind, SplitSeed = options.Seed };
        stream.Write(new ReadOnlySpan<byte>(&header, sizeof(ManifestHeader)));
        (header.Directory, header.Parts) = table(stream);

        var bySplit = new long[3];
        foreach (var (split, count) in counts) bySplit[(int)(bySource ? split!.Value : Split.Train)] += count;
        if (bySource)
        {
            // Where nothing is named validation, the test images validate.
            if (bySplit[1] == 0) (bySplit[1], bySplit[2]) = (bySplit[2], 0);
        }
        else
        {
            header.ByShare = 1;
            var all = bySplit[0];
            bySplit[0] = Math.Max(Math.Min(all, 1), (long)Math.Floor(all * options.Share));
            bySplit[1] = all - bySplit[0];
        }
        (header.Train, header.Validation, header.Test) = (bySplit[0], bySplit[1], bySplit[2]);

        stream.Position = 0;
        stream.Write(new ReadOnlySpan<byte>(&header, sizeof(ManifestHeader)));
        stream.Flush();
        var hash = HashOf(stream);
        stream.Position = (byte*)&header.Hash[0] - (byte*)&header;
        stream.Write(hash);
        stream.Flush();
        stream.Position = 0;
        return Manifest.From(stream);
    }
}

/// <summary>The images in a shard.</summary>
internal sealed record ShardMembers(long FileSize, long[] Offsets, long[] Sizes);
