using System.CommandLine;
using VaeCluster.Applications;
using VaeCluster.Checkpoints;
using VaeCluster.Data.Inputs;
using VaeCluster.Data.Splits;

namespace VaeCluster.Commands;

/// <summary>What the commands that use a trained model have in common: which model, which images, how, and where to.</summary>
internal static class ModelArguments
{
    public static readonly Argument<string> Model = new("model")
    {
        Description = "A run folder, a folder of checkpoints, one of them, s3://bucket/prefix, a diffusers folder or a safetensors file.",
    };

    public static readonly Argument<string[]> Images = new("images")
    {
        Description = "Files, folders (recursive) and sources such as idx:PATH, folder:PATH or tar:PATH.",
        Arity = ArgumentArity.OneOrMore,
    };

    public static readonly Argument<string> Source = new("source")
    {
        Description = "A folder (recursive) or a source such as idx:PATH, folder:PATH or tar:PATH.",
    };

    public static readonly Option<string> Checkpoint = new("--checkpoint")
    {
        Description = "A step, latest or best, where there are several.",
        HelpName = "step",
        DefaultValueFactory = _ => "latest",
    };

    public static readonly Option<bool> Average = new("--ema") { Description = "The moving average of the weights." };

    public static readonly Option<string> Device = new("--device")
    {
        Description = "cpu, cuda:N, or auto: the first GPU where there is one.",
        HelpName = "device",
        DefaultValueFactory = _ => "auto",
    };

    public static readonly Option<int> Threads = new("--threads") { Description = "Threads of libtorch; 0: one for each core.", HelpName = "n" };

    public static readonly Option<string?> ConfigFile = new("--config")
    {
        Description = "The configuration, YAML, of a safetensors file that does not say which model it is of.",
        HelpName = "file",
    };

    public static readonly Option<int?> ImageSize = new("--size")
    {
        Description = "Pixels per side of the images, where another size than in training; for models without a fixed one.",
        HelpName = "pixels",
    };

    public static readonly Option<int?> Batch = new("--batch") { Description = "Images that go through the model at once.", HelpName = "n" };

    public static readonly Option<long> Seed = new("--seed") { Description = "Of everything that is drawn.", HelpName = "n" };

    public static readonly Option<long?> Limit = new("--limit") { Description = "The first so many images.", HelpName = "n" };

    public static readonly Option<string> SplitName = new("--split")
    {
        Description = "train, validation or test of the sources, as the run splits them; all takes everything.",
        HelpName = "name",
        DefaultValueFactory = _ => "all",
    };

    public static readonly Option<bool> SkipBroken = new("--skip-broken") { Description = "Leave images out that do not decode, and name them." };

    public static readonly Option<string> Out = new("--out") { Description = "The folder that is written; must not be there yet.", HelpName = "dir", Required = true };

    static ModelArguments() => SplitName.AcceptOnlyFromAmong("train", "validation", "test", "all");

    /// <summary>For every command that opens a model.</summary>
    public static IReadOnlyList<Option> OfModel => [Checkpoint, Average, Device, Threads, ConfigFile, ImageSize];

    /// <summary>For those that go through images.</summary>
    public static IReadOnlyList<Option> OfImages => [SplitName, Limit, SkipBroken, Batch];

    public static AppliedModel Open(ParseResult parsed) => Open(parsed, parsed.GetRequiredValue(Model), parsed.GetValue(ImageSize));

    /// <param name="place">Of the model, where it is not the command's argument.</param>
    /// <param name="imageSize">Null takes the model's own.</param>
    public static AppliedModel Open(ParseResult parsed, string place, int? imageSize)
    {
        var model = AppliedModel.Open(new()
        {
            Place = place,
            Checkpoint = CheckpointOf(parsed),
            Average = parsed.GetValue(Average),
            Device = parsed.GetRequiredValue(Device),
            Threads = parsed.GetValue(Threads),
            ConfigFile = parsed.GetValue(ConfigFile),
            ImageSize = imageSize,
        });
        if (model.Warning is not null) parsed.InvocationConfiguration.Error.WriteLine(model.Warning);
        return model;
    }

    public static CheckpointChoice CheckpointOf(ParseResult parsed)
    {
        var which = parsed.GetRequiredValue(Checkpoint);
        return CheckpointChoice.TryParse(which, out var choice) ? choice : throw new UserErrorException($"--checkpoint {which}: give a step, latest or best.");
    }

    /// <summary>Images that go through the model at once.</summary>
    public static int BatchOf(ParseResult parsed, AppliedModel model) => BatchOf(parsed) ?? model.DefaultBatch;

    /// <summary>As the user said; null where nothing was.</summary>
    public static int? BatchOf(ParseResult parsed)
    {
        var batch = parsed.GetValue(Batch);
        return batch is null or >= 1 ? batch : throw new UserErrorException($"--batch {batch}: must be at least 1.");
    }

    public static InputOptions Inputs(ParseResult parsed) => new()
    {
        Split = parsed.GetRequiredValue(SplitName) switch
        {
            "train" => Split.Train,
            "validation" => Split.Validation,
            "test" => Split.Test,
            _ => null,
        },
        Limit = parsed.GetValue(Limit),
        SkipBroken = parsed.GetValue(SkipBroken),
    };

    /// <summary>What was done to images on the way in: said once, at the end, on stderr.</summary>
    public static void Report(ParseResult parsed, ImageInputs images)
    {
        var errors = parsed.InvocationConfiguration.Error;
        if (images.Conversion is { } conversion) errors.WriteLine(conversion);
        if (images.Broken.Count > 0) errors.WriteLine($"Left out, because they do not decode:\n  {string.Join("\n  ", images.Broken)}");
    }
}
