using VaeCluster.Data.Manifests;
using VaeCluster.Data.Shapes;
using VaeCluster.Data.Sources.Tar;

namespace VaeCluster.Data.Sources;

/// <summary>From a source to its manifest: the coordinator's part, once per run.</summary>
internal static class Listing
{
    public static Manifest List(SourceSpec source, string root, DataOptions options, ListingReport report, CancellationToken cancellation)
    {
        var writer = new ManifestWriter(options.Split, cancellation);
        var manifest = source.Kind switch
        {
            SourceKind.Idx => IdxSource.List(root, writer, report),
            SourceKind.Celeba => CelebaSource.List(root, writer, report, cancellation),
            SourceKind.Tar => TarSource.List(root, writer, report, cancellation),
            _ => FolderSource.List(root, writer, report, cancellation),
        };
        if (manifest.Count() > 0) return manifest;
        manifest.Dispose();
        var others = report.OtherFiles > 0 ? $" ({report.OtherFiles:N0} other files are there)" : "";
        var leftOut = string.Concat(report.Problems.Take(5).Select(problem => $"\n  {problem.Name}: {problem.Reason}"));
        throw new UserErrorException($"data.source: {DisplayName.Of(root)} holds no images{others}. Correct the path or the kind in front of it.{leftOut}");
    }

    /// <summary>The folder that the manifest's paths are relative to. Generated images are written here, on first use.</summary>
    public static string RootOf(SourceSpec source, CancellationToken cancellation)
    {
        if (source.Kind == SourceKind.Shapes) return ShapeFiles.Ensure(source, cancellation);
        return Path.GetFullPath(source.Path);
    }
}
