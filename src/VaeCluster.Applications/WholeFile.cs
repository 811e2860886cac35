using System.Text;

namespace VaeCluster.Applications;

/// <summary>One file that a command writes: there as a whole or not at all, and in the place of nothing.</summary>
public static class WholeFile
{
    /// <exception cref="UserErrorException">Something of this name is there, or the place is not writable.</exception>
    public static void Write(string path, string text)
    {
        OutputFolder.ThrowIfThere(path);
        var full = Path.GetFullPath(path);
        var temporary = $"{full}.{Environment.ProcessId}.tmp";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            File.WriteAllText(temporary, text, new UTF8Encoding(false));
            File.Move(temporary, full);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UserErrorException($"--out {path}: can't be written: {e.Message}", e);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
