using VaeCluster.Data.Broken;
using VaeCluster.Data.Images;
using VaeCluster.Data.Manifests;
using VaeCluster.Data.Reading;
using VaeCluster.Data.Sources;
using VaeCluster.Data.Sources.Tar;

namespace VaeCluster.Data;

/// <summary>
/// An opened data source: its manifest and the means to read its samples. The coordinator opens it by listing the data; a
/// worker by the manifest that the coordinator made. For any number of threads.
/// </summary>
public sealed class DataSet : IDisposable
{
    private DataSet(DataOptions options, SourceSpec source, string root, Manifest manifest, ListingReport? listing, TimeProvider time)
    {
        Options = options;
        Source = source;
        Root = root;
        Manifest = manifest;
        Listing = listing;
        Time = time;
        Broken = new BrokenImages(manifest, options.BrokenLimit);
        Reader = new SampleReader(root, options.Read, time);
    }

    public DataOptions Options { get; }

    public SourceSpec Source { get; }

    /// <summary>The folder that the manifest's paths are relative to.</summary>
    public string Root { get; }

    public Manifest Manifest { get; }

    /// <summary>What listing left out; null where the manifest was given.</summary>
    public ListingReport? Listing { get; }

    /// <summary>The broken images that this process met.</summary>
    public BrokenImages Broken { get; }

    /// <summary>What decoded pixels depend on besides the bytes: part of a worker's fingerprint.</summary>
    public static string DecoderVersion => ImageDecoder.Version;

    internal SampleReader Reader { get; }

    internal TimeProvider Time { get; }

    /// <summary>Lists the source. Generated shapes are written on first use.</summary>
    /// <exception cref="UserErrorException">The source is not there, not readable, empty or damaged.</exception>
    public static DataSet Open(DataOptions options, TimeProvider? time = null, CancellationToken cancellation = default)
    {
        var source = SourceSpec.Parse(options.Source);
        var root = Sources.Listing.RootOf(source, cancellation);
        var report = new ListingReport();
        var manifest = Sources.Listing.List(source, root, options, report, cancellation);
        return new DataSet(options, source, FolderOf(root), manifest, report, time ?? TimeProvider.System);
    }

    /// <summary>Takes a manifest that was made elsewhere, and lists nothing. The data set disposes it.</summary>
    public static DataSet Open(DataOptions options, Manifest manifest, TimeProvider? time = null, CancellationToken cancellation = default)
    {
        var source = SourceSpec.Parse(options.Source);
        var root = Sources.Listing.RootOf(source, cancellation);
        return new DataSet(options, source, FolderOf(root), manifest, null, time ?? TimeProvider.System);
    }

    /// <summary>A sample as messages name it.</summary>
    public string NameOf(long sample)
    {
        var entry = Manifest[sample];
        var path = Path.Combine(Root, entry.Path);
        var file = DisplayName.Of(path);
        if (entry.Size == entry.FileSize) return file;
        if (entry.Records is not null) return $"{file} at byte {entry.Offset:N0}";
        try
        {
            return $"{file}: {DisplayName.Of(TarScan.NameAt(path, entry.Offset) ?? $"byte {entry.Offset:N0}")}";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"{file} at byte {entry.Offset:N0}";
        }
    }

    public void Dispose()
    {
        Reader.Dispose();
        Manifest.Dispose();
    }

    // A source may be one file; paths are relative to its folder then.
    private static string FolderOf(string root) => File.Exists(root) ? Path.GetDirectoryName(root)! : root;
}
