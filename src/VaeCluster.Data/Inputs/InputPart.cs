using VaeCluster.Data.Manifests;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Inputs;

/// <summary>What one argument names. For any number of threads.</summary>
internal abstract class InputPart
{
    public abstract long Count { get; }

    public abstract ImageOrigin OriginOf(long index, long place);

    /// <summary>The image's bytes, in the buffer or in a larger one that takes its place; pixels without a format come with their shape.</summary>
    public abstract ReadOnlySpan<byte> Read(long index, ref byte[] buffer, out RawImages? raw, CancellationToken cancellation);

    public virtual void Close() { }

    /// <summary>A path that is safe to make a file of: no root, no way up.</summary>
    protected static string Safe(string path)
    {
        var parts = path.Split('/', '\\').Where(part => part is not ("" or "." or ".."))
            .Select(part => new string([.. part.Select(letter => char.IsControl(letter) || letter is ':' or '*' or '?' or '"' or '<' or '>' or '|' ? '-' : letter)]));
        return string.Join('/', parts);
    }

    protected static Span<byte> Room(ref byte[] buffer, long size)
    {
        const int keep = 32 << 20;
        if (buffer.Length < size || (buffer.Length > keep && size <= keep)) buffer = new byte[Math.Max(size, 64 << 10)];
        return buffer.AsSpan(0, (int)size);
    }
}

/// <summary>An image file that was named itself.</summary>
internal sealed class InputFile(string path) : InputPart
{
    public override long Count => 1;

    public override ImageOrigin OriginOf(long index, long place) => new(place, DisplayName.Of(path), Safe(Path.GetFileName(path)), null);

    public override ReadOnlySpan<byte> Read(long index, ref byte[] buffer, out RawImages? raw, CancellationToken cancellation)
    {
        raw = null;
        try
        {
            using var file = File.OpenHandle(path);
            var bytes = Room(ref buffer, RandomAccess.GetLength(file));
            for (var at = 0; at < bytes.Length;)
            {
                var read = RandomAccess.Read(file, bytes[at..], at);
                if (read == 0) return bytes[..at];
                at += read;
            }
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{DisplayName.Of(path)}: can't be read: {e.Message}", e);
        }
    }
}

/// <summary>The images of a source, or of one of its splits.</summary>
internal sealed class InputSource(DataSet data, Split? split, bool byFolder) : InputPart
{
    private readonly Dictionary<string, byte[]?> labels = [];

    public override long Count => split is { } one ? data.Manifest.Count(one) : data.Manifest.Count();

    public override ImageOrigin OriginOf(long index, long place)
    {
        var sample = SampleOf(index);
        var entry = data.Manifest[sample];
        if (entry.Records is { } raw)
        {
            var at = entry.Offset / ((long)raw.Width * raw.Height * raw.Channels);
            return new(place, $"{DisplayName.Of(entry.Path)} #{at}", $"{Safe(entry.Path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? entry.Path[..^3] : entry.Path)}-{at:D6}", LabelOf(entry.Path, at));
        }
        var name = data.NameOf(sample);
        if (entry.Size != entry.FileSize)
            return new(place, name, Safe($"{Path.GetFileNameWithoutExtension(entry.Path)}/{name[(name.LastIndexOf(": ", StringComparison.Ordinal) + 1)..].Trim()}"), null);
        return new(place, name, Safe(entry.Path), byFolder ? FolderOf(entry.Path) : null);
    }

    public override ReadOnlySpan<byte> Read(long index, ref byte[] buffer, out RawImages? raw, CancellationToken cancellation)
    {
        var entry = data.Manifest[SampleOf(index)];
        raw = entry.Records;
        if (entry.Size > Array.MaxLength) return [];
        var bytes = Room(ref buffer, entry.Size);
        if (entry.Size > 0) data.Reader.Read(entry, bytes, cancellation);
        return bytes;
    }

    public override void Close() => data.Dispose();

    private long SampleOf(long index) => split is { } one ? data.Manifest.SampleOf(one, index) : index;

    // The folder that the image lies in; one that names a split is none.
    private static string? FolderOf(string path)
    {
        var folder = Path.GetFileName(Path.GetDirectoryName(path));
        return string.IsNullOrEmpty(folder) || SplitNames.Of(folder) is not null ? null : DisplayName.Of(folder);
    }

    private string? LabelOf(string path, long at)
    {
        byte[]? found;
        lock (labels)
        {
            if (!labels.TryGetValue(path, out found)) labels[path] = found = IdxLabels.Find(Path.Combine(data.Root, path));
        }
        return found is not null && at < found.Length ? found[at].ToString() : null;
    }
}
