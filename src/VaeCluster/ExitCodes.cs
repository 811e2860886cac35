namespace VaeCluster;

/// <summary>What the program's exit says. 128 + the signal's number is the shell's own way to say "interrupted".</summary>
internal static class ExitCodes
{
    public const int Success = 0;
    public const int Bug = 1;

    /// <summary>A check has found mistakes, and listed them.</summary>
    public const int Mistakes = 1;

    public const int UserError = 2;
    public const int Interrupted = 130;
}
