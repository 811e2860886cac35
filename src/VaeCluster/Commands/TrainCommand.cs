using System.CommandLine;
using System.Globalization;
using VaeCluster.Checkpoints;
using VaeCluster.Cluster;
using VaeCluster.Config;
using VaeCluster.Config.Binding;
using VaeCluster.Config.Runs;
using VaeCluster.Progress;
using VaeCluster.Torch;
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

    internal static readonly Option<string?> Resume = new("--resume")
    {
        Description = "The checkpoint to go on from: a step, latest or best. Without it: the newest one, if there is any.",
        HelpName = "step",
    };

    internal static readonly Option<string[]> Switches = new("--set")
    {
        Description = "A key of the configuration with its value, over file and environment; any number of them.",
        HelpName = "key=value",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };

    private static readonly Option<string?> Workers = new("--workers")
    {
        Description = "Train with a coordinator and so many workers as processes of this machine; auto: one for each GPU. Without it: in this process.",
        HelpName = "n",
    };

    public static Command Create()
    {
        var command = new ExampleCommand("train", "Train a model into a run folder.",
            ("vaecluster train --run runs/shapes", "the embedded default: generated shapes, minutes on a laptop"),
            ("vaecluster train --config digits.yaml --run runs/digits", "a run of your own"),
            ("vaecluster train --config digits.yaml --run runs/digits --workers 2", "by a coordinator and two workers, to the same bits"),
            ("vaecluster train --config digits.yaml --run runs/try --steps 20 --set train.batch=64 optimizer.lr=2e-3", "the same, changed"),
            ("vaecluster train --run runs/digits --resume best --steps 9000", "on from the checkpoint with the lowest validation loss"),
            ("VAECLUSTER__TRAIN__SEED=8 vaecluster train --config digits.yaml --run runs/seed8", "changed by the environment"))
        {
            ConfigFile, Folder, Workers, Steps, Resume, Switches,
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
        var choice = Choice(parsed);
        if (parsed.GetValue(Workers) is { } workers) return new LocalCluster(folder, RunArguments(parsed), Devices(workers, config), view).Run(interruption.Token);
        return new TrainingRun(folder, config, choice, view).Run(interruption.Token);
    }

    internal static CheckpointChoice? Choice(ParseResult parsed)
    {
        if (parsed.GetValue(Resume) is not { } text) return null;
        return CheckpointChoice.TryParse(text, out var choice)
            ? choice : throw new UserErrorException($"--resume {text}: give the step of a checkpoint, latest or best.");
    }

    /// <summary>What the coordinator is told, as it was told to us.</summary>
    private static List<string> RunArguments(ParseResult parsed)
    {
        List<string> arguments = ["--run", parsed.GetRequiredValue(Folder)];
        if (parsed.GetValue(ConfigFile) is { } file) arguments.AddRange(["--config", file]);
        if (parsed.GetValue(Steps) is { } steps) arguments.AddRange(["--steps", steps.ToString(CultureInfo.InvariantCulture)]);
        if (parsed.GetValue(Resume) is { } checkpoint) arguments.AddRange(["--resume", checkpoint]);
        foreach (var text in parsed.GetValue(Switches) ?? []) arguments.AddRange(["--set", text]);
        return arguments;
    }

    private static IReadOnlyList<string> Devices(string workers, RunConfig config)
    {
        const int most = 256;
        if (int.TryParse(workers, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is >= 1 and <= most)
        {
            var gpus = GpuCount(config);
            return [.. Enumerable.Range(0, count).Select(i => gpus == 0 ? "cpu" : $"cuda:{i % gpus}")];
        }
        if (workers != "auto") throw new UserErrorException($"--workers {workers}: give a number from 1 to {most}, or auto for one on each GPU.");
        return GpuCount(config) is > 0 and var found ? [.. Enumerable.Range(0, found).Select(i => $"cuda:{i}")] : ["cpu"];
    }

    private static int GpuCount(RunConfig config)
    {
        TorchRuntime.Start(config.Train.Threads);
        return TorchSharp.torch.cuda.is_available() ? TorchSharp.torch.cuda.device_count() : 0;
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
