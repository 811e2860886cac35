namespace VaeCluster;

/// <summary>
/// Something that the user has to change: a wrong setting, a broken file, a full disk. The program prints the message,
/// which names what, where and what to do, without a stack trace, and exits with code 2.
/// </summary>
public sealed class UserErrorException : Exception
{
    public UserErrorException(string message) : base(message) { }

    public UserErrorException(string message, Exception cause) : base(message, cause) { }

    /// <summary>All that is wrong at once, a line each.</summary>
    public UserErrorException(IReadOnlyCollection<string> mistakes) : base(string.Join('\n', mistakes)) { }
}
