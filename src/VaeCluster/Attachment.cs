namespace VaeCluster;

/// <summary>
/// A process that another one has started, and that must not outlive it: it holds the other end of our standard input,
/// which ends with it however it ends.
/// </summary>
internal static class Attachment
{
    public static void Watch() => new Thread(() =>
    {
        using var input = Console.OpenStandardInput();
        var nothing = new byte[64];
        while (input.Read(nothing) > 0)
        {
            // Nothing is said here.
        }
        Environment.Exit(ExitCodes.Interrupted);
    })
    { IsBackground = true, Name = "attachment" }.Start();
}
