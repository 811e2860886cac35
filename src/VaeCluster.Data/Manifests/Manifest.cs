using System.IO.MemoryMappedFiles;
using VaeCluster.Data.Order;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Manifests;

/// <summary>
/// The list of samples with their split, made once by the coordinator and the same for everyone. Immutable, safe for any
/// number of threads, mapped rather than loaded.
/// </summary>
public sealed unsafe class Manifest : IDisposable
{
    private readonly MemoryMappedFile mapping;
    private readonly MemoryMappedViewAccessor view;
    private readonly byte* file;
    private readonly ManifestHeader header;
    private readonly SampleOrder split;
    private readonly ShardTable? shards;
    private readonly RecordTable? records;

    private Manifest(FileStream stream, string name)
    {
        Bytes = stream.Length;
        if (Bytes < sizeof(ManifestHeader)) throw new UserErrorException($"{name} is no manifest: it has {Bytes} bytes. List the data again.");
        ManifestHeader read;
        stream.ReadExactly(new Span<byte>(&read, sizeof(ManifestHeader)));
        header = read;
        if (header.Magic != ManifestHeader.MagicNumber)
            throw new UserErrorException($"{name} is no manifest of this version. Delete it; the coordinator lists the data again.");

        var hash = ManifestWriter.HashOf(stream);
        fixed (byte* stored = header.Hash)
        {
            if (!hash.AsSpan().SequenceEqual(new ReadOnlySpan<byte>(stored, 32)))
                throw new UserErrorException($"{name} is damaged: its content does not match its hash. Delete it; the coordinator lists the data again.");
        }
        Id = Convert.ToHexStringLower(hash);
        split = SampleOrder.For(Purpose.SplitOrder, header.SplitSeed, 0, Count());
        shards = header.Kind == (int)ManifestKind.Shards ? new ShardTable(stream, header) : null;
        records = header.Kind == (int)ManifestKind.Records ? new RecordTable(stream, header) : null;

        mapping = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        view = mapping.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref file);
    }

    /// <summary>SHA-256 of the content: files, sizes and splits. Where the data lie is not part of it.</summary>
    public string Id { get; }

    /// <summary>Size of the file, on disk and on the wire.</summary>
    public long Bytes { get; }

    /// <summary>Samples of all splits.</summary>
    public long Count() => header.Train + header.Validation + header.Test;

    public long Count(Split which) => which switch
    {
        Split.Train => header.Train,
        Split.Validation => header.Validation,
        _ => header.Test,
    };

    /// <summary>The manifest's index of a split's sample, from its index inside the split.</summary>
    public long SampleOf(Split which, long index)
    {
        if ((ulong)index >= (ulong)Count(which)) throw new ArgumentOutOfRangeException(nameof(index), index, $"The split has {Count(which)} samples.");
        var place = index + (which == Split.Train ? 0 : header.Train) + (which == Split.Test ? header.Validation : 0);
        // By share, the splits are ranges of a keyed order; otherwise samples are sorted by split.
        return header.ByShare != 0 ? split[place] : place;
    }

    /// <summary>Where the bytes of a sample are.</summary>
    public SampleEntry this[long sample]
    {
        get
        {
            if ((ulong)sample >= (ulong)Count()) throw new ArgumentOutOfRangeException(nameof(sample), sample, $"The manifest has {Count()} samples.");
            ObjectDisposedException.ThrowIf(!view.CanRead, this);
            if (records is not null) return records.Read(sample);
            return shards is not null ? shards.Read(file, sample) : FileTable.Read(file, header, sample);
        }
    }

    public static Manifest Load(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return new Manifest(stream, DisplayName.Of(path));
    }

    internal static Manifest From(FileStream stream) => new(stream, "The new manifest");

    /// <summary>Atomically: by temporary name, flushed, renamed.</summary>
    public void Save(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        Whole.WriteFile(path, temporary =>
        {
            using var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write);
            CopyTo(stream);
            stream.Flush(flushToDisk: true);
        });
    }

    /// <summary>The manifest's bytes, for the wire.</summary>
    public void CopyTo(Stream stream)
    {
        const int part = 1 << 20;
        for (var at = 0L; at < Bytes; at += part)
            stream.Write(new ReadOnlySpan<byte>(file + at, (int)Math.Min(part, Bytes - at)));
    }

    public void Dispose()
    {
        if (!view.CanRead) return;
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        mapping.Dispose();
    }
}
