namespace VaeCluster.Data;

/// <summary>
/// A sample could not be read, after all attempts: the file is missing, changed, or its storage fails. Never an image
/// that does not decode, which is replaced: this gives the slot up, because another worker may read what this one can't.
/// </summary>
public sealed class SampleReadException(string file, string message, Exception? cause = null) : IOException(message, cause)
{
    /// <summary>The file, as messages show it.</summary>
    public string File { get; } = file;
}
