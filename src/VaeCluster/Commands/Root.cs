using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace VaeCluster.Commands;

/// <summary>The command line: one command per job, each in a file of its own.</summary>
internal static class Root
{
    public static int Run(IReadOnlyList<string> args)
    {
        var parsed = Create().Parse(args);
        if (parsed.Action is ParseErrorAction mistake) mistake.ShowHelp = args.Count == 0;
        // Ours are the signals, and ours the exceptions: see Interruption and Failures.
        var code = parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        return parsed.Action is ParseErrorAction ? ExitCodes.UserError : code;
    }

    public static RootCommand Create()
    {
        var root = new RootCommand("Trains image autoencoders, exactly, on one machine or many.")
        {
            TrainCommand.Create(),
            CoordinatorCommand.Create(),
            WorkerCommand.Create(),
            StatusCommand.Create(),
            InspectCommand.Create(),
            ProfileCommand.Create(),
            ReconstructCommand.Create(),
            GenerateCommand.Create(),
            EvaluateCommand.Create(),
            CheckpointsCommand.Create(),
            ScoreCommand.Create(),
            EncodeCommand.Create(),
            DecodeCommand.Create(),
            MapCommand.Create(),
            AugmentCommand.Create(),
            ExportCommand.Create(),
            ImportCommand.Create(),
            JournalCommand.Create(),
            DataCommand.Create(),
            PresetsCommand.Create(),
            CompletionCommand.Create(),
        };
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new ExampleHelpAction((HelpAction)help.Action!);
        return root;
    }
}
