using System.CommandLine;
using VaeCluster.Applications.Interchange;
using VaeCluster.Data;
using VaeCluster.Worker.Training;

namespace VaeCluster.Commands;

/// <summary>A trained model for other tools.</summary>
internal static class ExportCommand
{
    private static readonly Argument<string> Place = new("dir") { Description = "A run folder, a folder of checkpoints, one of them, or s3://bucket/prefix." };

    private static readonly Argument<string> Target = new("out") { Description = "What is written; must not be there yet." };

    private static readonly Option<double?> ScalingFactor = new("--scaling-factor")
    {
        Description = "1 / standard deviation of the latents, where the training images are not at hand to measure it.",
        HelpName = "factor",
    };

    private static readonly Option<long> Samples = new("--samples")
    {
        Description = "Training images that the scaling factor is measured on, at most.",
        HelpName = "n",
        DefaultValueFactory = _ => 1024,
    };

    public static Command Create()
    {
        var diffusers = new ExampleCommand("diffusers", "Write a folder that AutoencoderKL.from_pretrained loads.",
            ("vaecluster export diffusers runs/dogs dogs-vae --ema", "config.json and weights; the scaling factor comes from the training images"),
            ("vaecluster export diffusers runs/dogs dogs-vae --checkpoint best --scaling-factor 0.18215", "without the images"))
        {
            Place, Target, ModelArguments.Average, ModelArguments.Checkpoint, ScalingFactor, Samples,
        };
        diffusers.SetAction(Diffusers);
        var safetensors = new ExampleCommand("safetensors", "Write the weights as one file, under their names in PyTorch.",
            ("vaecluster export safetensors runs/digits digits.safetensors", "parameters and buffers of the newest checkpoint")) { Place, Target, ModelArguments.Average, ModelArguments.Checkpoint };
        safetensors.SetAction(Safetensors);
        return new ExampleCommand("export", "Write a trained model for other tools.",
            ("vaecluster export diffusers runs/dogs dogs-vae", "for diffusers")) { diffusers, safetensors };
    }

    private static void Diffusers(ParseResult parsed)
    {
        using var interruption = new Interruption();
        using var model = Open(parsed);
        DiffusersFolder.ThrowIfUnfit(model.Config.Model);
        var target = parsed.GetRequiredValue(Target);
        ThrowIfThere(target);
        var factor = parsed.GetValue(ScalingFactor) ?? Measure(model, parsed.GetValue(Samples), interruption.Token);
        if (!(factor > 0) || !double.IsFinite(factor)) throw new UserErrorException($"--scaling-factor {factor}: must be a positive number.");
        DiffusersFolder.Write(target, model.Config.Model, model.Weights, factor);
        Done(parsed, FormattableString.Invariant($"{target}: {model.Name}, scaling factor {factor:G6}"));
    }

    private static void Safetensors(ParseResult parsed)
    {
        using var model = Open(parsed);
        var target = parsed.GetRequiredValue(Target);
        ThrowIfThere(target);
        if (Path.GetDirectoryName(Path.GetFullPath(target)) is { } folder) Directory.CreateDirectory(folder);
        Whole.WriteFile(target, temporary => model.Weights.Write(temporary, model.Config), overwrite: false);
        Done(parsed, $"{target}: {model.Name}");
    }

    private static double Measure(SavedModel model, long samples, CancellationToken cancellation)
    {
        if (samples < 1) throw new UserErrorException($"--samples {samples}: must be at least 1.");
        using var training = new LocalTraining(model.Config, cancellation);
        training.LoadWeights(model.Weights.Load);
        return 1 / training.LatentDeviation(samples, cancellation);
    }

    private static SavedModel Open(ParseResult parsed)
    {
        var model = SavedModel.Open(parsed.GetRequiredValue(Place), ModelArguments.CheckpointOf(parsed), parsed.GetValue(ModelArguments.Average));
        if (model.Warning is not null) parsed.InvocationConfiguration.Error.WriteLine(model.Warning);
        return model;
    }

    private static void ThrowIfThere(string target)
    {
        if (Path.Exists(target)) throw new UserErrorException($"{target}: is there already. Name something new.");
    }

    private static void Done(ParseResult parsed, string line) => parsed.InvocationConfiguration.Output.WriteLine(line);
}
