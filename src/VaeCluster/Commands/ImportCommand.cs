using System.CommandLine;
using VaeCluster.Applications.Interchange;
using VaeCluster.Checkpoints;
using VaeCluster.Config;
using VaeCluster.Config.Runs;
using VaeCluster.Worker.Checkpoints;
using VaeCluster.Worker.Training;

namespace VaeCluster.Commands;

/// <summary>Begins a run with weights from elsewhere: they become the checkpoint of its step 0.</summary>
internal static class ImportCommand
{
    private static readonly Argument<string> Model = new("model")
    {
        Description = "A diffusers folder, a safetensors file (diffusers, CompVis or ours), a checkpoint or run folder.",
    };

    public static Command Create()
    {
        var command = new ExampleCommand("import", "Begin a run with weights from elsewhere.",
            ("vaecluster import sd-vae --run runs/dogs --set data.source=folder:dogs train.epochs=2", "then: vaecluster train --run runs/dogs"),
            ("vaecluster import digits.safetensors --config digits.yaml --run runs/digits2", "the model as the configuration describes it"))
        {
            Model, TrainCommand.ConfigFile, TrainCommand.Folder, TrainCommand.Switches,
        };
        command.SetAction(Import);
        return command;
    }

    private static void Import(ParseResult parsed)
    {
        using var interruption = new Interruption();
        using var folder = RunFolder.Prepare(parsed.GetRequiredValue(TrainCommand.Folder));
        if (folder.HoldsRun) throw new UserErrorException($"{folder.Path} holds a run already. Name a new folder with --run.");
        using var model = ForeignModel.Open(parsed.GetRequiredValue(Model));
        var config = Sources(parsed, model).Load();
        config.Train.InitialWeights = null;

        using var training = new LocalTraining(config, interruption.Token);
        training.LoadWeights(model.Weights.Load);
        config.Train.InitialWeights = training.WeightsSha256();
        config.FixHorizon(training.TotalSteps);
        SaveAsync(training, config, folder, interruption.Token).GetAwaiter().GetResult();
        parsed.InvocationConfiguration.Output.WriteLine($"{folder.Path} begins with {training.ParameterCount:N0} parameters from "
            + $"{parsed.GetRequiredValue(Model)}, sha256 {config.Train.InitialWeights}. Train it with: vaecluster train --run {folder.Path}");
    }

    private static async Task SaveAsync(LocalTraining training, RunConfig config, RunFolder folder, CancellationToken cancellation)
    {
        string? trouble = null;
        await using var checkpoints = RunCheckpoints.Open(config, folder.Path, training.ManifestId, outcome =>
        {
            if (outcome.IsWarning) trouble = outcome.Sentence;
        });
        if (await checkpoints.HighestTermAsync(cancellation) > 0)
            throw new UserErrorException("checkpoints.storage: has the checkpoints of another run already. Name another place.");
        folder.Begin(config);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(TimeSpan.FromMinutes(2));
        if (!await checkpoints.SaveLastAsync(training.State, new CheckpointOwner("import", 1, 0), null, deadline.Token))
            throw new UserErrorException($"The weights could not be saved: {trouble}. Remove {folder.Path} and import again.");
    }

    private static ConfigSources Sources(ParseResult parsed, ForeignModel model)
    {
        var environment = Environment.GetEnvironmentVariables();
        var switches = parsed.GetValue(TrainCommand.Switches) ?? [];
        if (parsed.GetValue(TrainCommand.ConfigFile) is { } file) return ConfigSources.FromFile(file, switches, environment);
        if (model.Yaml.Length == 0)
            throw new UserErrorException($"{parsed.GetRequiredValue(Model)}: does not say which model it is of. Describe it with --config.");
        return new ConfigSources { Text = model.Yaml, Name = parsed.GetRequiredValue(Model), Switches = switches, Environment = environment };
    }
}
