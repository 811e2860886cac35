using Spectre.Console;

namespace VaeCluster;

/// <summary>Consoles for tables and progress: colours on a terminal that wants them, plain text elsewhere.</summary>
internal static class Terminal
{
    private const int WidthOfNoTerminal = 160;

    /// <summary>A person watches, on a terminal that can move its cursor.</summary>
    public static bool IsLive => !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Ansi
        && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>Spectre looks at NO_COLOR by itself, at redirection only for its own console.</summary>
    public static IAnsiConsole On(TextWriter output)
    {
        var plain = Console.IsOutputRedirected || output != Console.Out;
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = plain ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = plain ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
        });
        if (plain) console.Profile.Width = WidthOfNoTerminal;
        return console;
    }
}
