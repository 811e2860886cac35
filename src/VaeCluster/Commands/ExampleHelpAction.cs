using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace VaeCluster.Commands;

/// <summary>A command that shows in its help how it is used.</summary>
internal sealed class ExampleCommand(string name, string description, params (string Line, string Meaning)[] examples) : Command(name, description)
{
    public IReadOnlyList<(string Line, string Meaning)> Examples => examples;
}

/// <summary>The usual help, then examples: the command's own, or the first one of each command.</summary>
internal sealed class ExampleHelpAction(HelpAction inner) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        var code = inner.Invoke(parseResult);
        var command = parseResult.CommandResult.Command;
        var examples = command is ExampleCommand own
            ? own.Examples
            : command.Subcommands.OfType<ExampleCommand>().SelectMany(below => below.Examples.Take(1)).ToList();
        if (examples.Count == 0) return code;

        var output = parseResult.InvocationConfiguration.Output;
        var width = examples.Max(example => example.Line.Length);
        output.WriteLine("Examples:");
        foreach (var (line, meaning) in examples) output.WriteLine($"  {line.PadRight(width)}  {meaning}");
        output.WriteLine();
        return code;
    }
}
