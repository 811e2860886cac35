using System.IO.Enumeration;

namespace VaeCluster.Data.Sources;

/// <summary>
/// All files below a folder whose names are wanted. Links to files are followed; links to folders too, unless they lead back into what is
/// listed anyway, so that a loop ends and nothing counts twice.
/// </summary>
internal sealed class FolderListing(string root, Func<string, bool> wanted, ListingReport report, CancellationToken cancellation)
{
    private readonly string realRoot = Real(new DirectoryInfo(root));
    private readonly HashSet<string> linked = new(StringComparer.Ordinal);

    private enum EntryKind
    {
        Wanted,
        Other,
        Folder,
        LinkedFolder,
        Broken,
    }

    public List<(string Path, long Size)> List()
    {
        var files = new List<(string, long)>();
        var pending = new Stack<string>();
        pending.Push("");
        while (pending.TryPop(out var folder))
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var (name, kind, size) in Read(folder))
            {
                var path = folder.Length == 0 ? name : $"{folder}/{name}";
                switch (kind)
                {
                    case EntryKind.Wanted: files.Add((path, size)); break;
                    case EntryKind.Folder: pending.Push(path); break;
                    case EntryKind.LinkedFolder when Follow(path): pending.Push(path); break;
                    case EntryKind.Other: report.OtherFiles++; break;
                    case EntryKind.Broken: report.Add(path, "the link leads nowhere, or the name is not valid UTF-8"); break;
                    default: break;
                }
            }
        }
        return files;
    }

    private List<(string Name, EntryKind Kind, long Size)> Read(string folder)
    {
        try
        {
            var entries = new FileSystemEnumerable<(string, EntryKind, long)>(Path.Combine(root, folder), Classify,
                new EnumerationOptions { IgnoreInaccessible = false, AttributesToSkip = 0 });
            return [.. entries];
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException && folder.Length > 0)
        {
            // Leaving it out would train on less than the user has: that is theirs to decide.
            throw new UserErrorException($"The folder {DisplayName.Of(Path.Combine(root, folder))} can't be listed ({error.Message}). "
                + "Make it readable or move it out of the data set.", error);
        }
    }

    private (string, EntryKind, long) Classify(ref FileSystemEntry entry)
    {
        var name = entry.FileName.ToString();
        var isLink = (entry.Attributes & FileAttributes.ReparsePoint) != 0;
        if (entry.IsDirectory) return (name, isLink ? EntryKind.LinkedFolder : EntryKind.Folder, 0);
        if (!wanted(name)) return (name, EntryKind.Other, 0);
        if (name.Contains('\uFFFD', StringComparison.Ordinal)) return (name, EntryKind.Broken, 0);
        if (!isLink) return (name, EntryKind.Wanted, entry.Length);
        var target = new FileInfo(entry.ToFullPath()).ResolveLinkTarget(returnFinalTarget: true);
        return target is FileInfo { Exists: true } file ? (name, EntryKind.Wanted, file.Length) : (name, EntryKind.Broken, 0);
    }

    private bool Follow(string path)
    {
        var target = Real(new DirectoryInfo(Path.Combine(root, path)));
        var inside = (target + "/").StartsWith(realRoot + "/", StringComparison.Ordinal);
        var above = (realRoot + "/").StartsWith(target + "/", StringComparison.Ordinal);
        if (!inside && !above && linked.Add(target)) return true;
        report.Add(path, inside || above ? "the link leads back into the data set" : "another link leads to the same folder");
        return false;
    }

    private static string Real(DirectoryInfo folder) =>
        (folder.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? folder.FullName).TrimEnd('/');
}
