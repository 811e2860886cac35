namespace VaeCluster.Data;

/// <summary>Files and folders that are there as a whole or not at all: written under a temporary name beside their place, then renamed.</summary>
public static class Whole
{
    /// <param name="path">Of the file, in a folder that is there.</param>
    /// <param name="write">Writes to the path it is given, and flushes to disk where that matters.</param>
    /// <param name="overwrite">Takes the place of a file that is there; without it that is an <see cref="IOException"/>.</param>
    public static void WriteFile(string path, Action<string> write, bool overwrite = true)
    {
        ArgumentNullException.ThrowIfNull(write);
        var temporary = Temporary(path);
        try
        {
            write(temporary);
            File.Move(temporary, path, overwrite);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <param name="path">Of the folder, which must not be there: that is an <see cref="IOException"/>.</param>
    /// <param name="write">Fills the folder that it is given.</param>
    public static void WriteFolder(string path, Action<string> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        var temporary = Temporary(full);
        try
        {
            Directory.CreateDirectory(temporary);
            write(temporary);
            Directory.Move(temporary, full);
        }
        finally
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        }
    }

    // A name of its own for each writer, of this process and of others that share the folder.
    private static string Temporary(string path) => $"{path}.{Environment.ProcessId}.{Guid.NewGuid():N}.tmp";
}
