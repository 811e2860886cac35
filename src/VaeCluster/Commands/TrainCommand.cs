using System.CommandLine;
using VaeCluster.Config;
using VaeCluster.Config.Binding;
using VaeCluster.Config.Runs;
using VaeCluster.Progress;
using VaeCluster.Training;

namespace VaeCluster.Commands;

/// <summary>Trains a model on this machine, into a run folder.</summary>
internal static class TrainCommand
{
    internal static readonly Option<string?> ConfigFile = new("--config")
    {
        Description = "The configuration, YAML. Without it: that of the run folder, or else generated shapes.",
        HelpName = "file",
    };

    internal static readonly Option<string> Folder = new("--run")
    {
        Description = "The run folder: new, empty, or with a run in it.",
        HelpName = "dir",
        Required = true,
    };

    internal static readonly Option<long?> Steps = new("--steps")
    {
        Description = "Length of the run in steps, whatever the configuration says.",
        HelpName = "n",
    };

    internal static readonly Option<string[]> Switches = new("--set")
    {
        Description = "A key of the configuration with its value, over file and environment; any number of them.",
        HelpName = "key=value",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };

    public static Command Create()
    {
        var command = new ExampleCommand("train", "Train a model into a run folder.",
            ("vaecluster train --run runs/shapes", "the embedded default: generated shapes, minutes on a laptop"),
            ("vaecluster train --config digits.yaml --run runs/digits", "a run of your own"),
            ("vaecluster train --config digits.yaml --run runs/try --steps 20 --set train.batch=64 optimizer.lr=2e-3", "the same, changed"),
            ("VAECLUSTER__TRAIN__SEED=8 vaecluster train --config digits.yaml --run runs/seed8", "changed by the environment"))
        {
            ConfigFile, Folder, Steps, Switches,
        };
        Switches.CompletionSources.Add(_ => OptionsShape.Paths(typeof(RunConfig)).Select(path => path + "="));
        command.SetAction(Train);
        return command;
    }

    private static int Train(ParseResult parsed)
    {
        var output = parsed.InvocationConfiguration.Output;
        using var interruption = new Interruption();
        using var folder = RunFolder.Prepare(parsed.GetRequiredValue(Folder));
        var config = Sources(parsed, folder).Load();
        ITrainingView view = Terminal.IsLive ? new LiveView(Terminal.On(output)) : new PlainView(output, TimeProvider.System);
        return new TrainingRun(folder, config, view).Run(interruption.Token);
    }

    internal static ConfigSources Sources(ParseResult parsed, RunFolder folder)
    {
        var environment = Environment.GetEnvironmentVariables();
        var switches = parsed.GetValue(Switches) ?? [];
        var steps = parsed.GetValue(Steps);
        if (parsed.GetValue(ConfigFile) is { } file) return ConfigSources.FromFile(file, switches, environment, steps);
        if (folder.HoldsRun) return ConfigSources.FromFile(folder.ConfigPath, switches, environment, steps);
        return new ConfigSources { Text = DefaultConfig.Text, Name = DefaultConfig.Name, Switches = switches, Environment = environment, Steps = steps };
    }
}
