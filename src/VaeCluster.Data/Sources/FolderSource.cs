using VaeCluster.Data.Manifests;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Sources;

/// <summary>A folder of images, recursive; folders named train, val and test right below it make the split.</summary>
internal static class FolderSource
{
    public static Manifest List(string path, ManifestWriter writer, ListingReport report, CancellationToken cancellation)
    {
        if (!Directory.Exists(path)) throw new UserErrorException($"data.source: there is no folder {DisplayName.Of(path)}. Correct the path behind 'folder:'.");
        try
        {
            var files = new FolderListing(path, name => ImageExtensions.Has(name), report, cancellation).List();
            return writer.Files(files.ConvertAll(file => (file.Path, file.Size, SplitNames.OfPath(file.Path))));
        }
        catch (UnauthorizedAccessException error)
        {
            throw new UserErrorException($"data.source: the folder {DisplayName.Of(path)} can't be read ({error.Message}). Give this user the right to.", error);
        }
    }
}
