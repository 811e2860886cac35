namespace VaeCluster.Applications;

/// <summary>
/// The folder that a command writes: under a temporary name beside it until <see cref="Complete"/>, so that it is there as a
/// whole or not at all. What is there already is never touched.
/// </summary>
public sealed class OutputFolder : IDisposable
{
    private readonly string temporary;
    private bool completed;

    private OutputFolder(string path, string temporary) => (Path, this.temporary) = (path, temporary);

    /// <summary>What it is called in the end, in full.</summary>
    public string Path { get; }

    /// <exception cref="UserErrorException">Something of this name is there, or the place is not writable.</exception>
    public static OutputFolder Create(string path)
    {
        ThrowIfThere(path);
        var full = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        var temporary = $"{full}.{Environment.ProcessId}.tmp";
        try
        {
            Directory.CreateDirectory(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"--out {path}: can't be made: {e.Message}", e);
        }
        return new(full, temporary);
    }

    /// <summary>For a command that wants to say so before anything else.</summary>
    public static void ThrowIfThere(string path)
    {
        if (System.IO.Path.Exists(path)) throw new UserErrorException($"--out {path}: is there already. Name something new.");
    }

    /// <summary>Where a file of it is written; folders on the way are made.</summary>
    /// <param name="name">Relative, with '/'.</param>
    public string In(string name)
    {
        var path = System.IO.Path.Combine(temporary, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        return path;
    }

    /// <summary>Gives it its name.</summary>
    public void Complete()
    {
        try
        {
            Directory.Move(temporary, Path);
        }
        catch (IOException e) when (System.IO.Path.Exists(Path))
        {
            throw new UserErrorException($"--out {Path}: has come to be there meanwhile. Name something new.", e);
        }
        completed = true;
    }

    /// <summary>Removes what was written, unless it is complete.</summary>
    public void Dispose()
    {
        if (!completed && Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
    }
}
