using System.Text;
using VaeCluster.Data;

namespace VaeCluster.Applications;

/// <summary>One file that a command writes: there as a whole or not at all, and in the place of nothing.</summary>
public static class OutputFile
{
    /// <exception cref="UserErrorException">Something of this name is there, or the place is not writable.</exception>
    public static void Write(string path, string text)
    {
        OutputFolder.ThrowIfThere(path);
        var full = Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            Whole.WriteFile(full, temporary => File.WriteAllText(temporary, text, new UTF8Encoding(false)), overwrite: false);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UserErrorException($"--out {path}: can't be written: {e.Message}", e);
        }
    }
}
