using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using VaeCluster.Checkpoints;
using VaeCluster.Config.Binding;
using VaeCluster.Data;
using VaeCluster.Data.Manifests;
using VaeCluster.Data.Order;
using VaeCluster.Data.Splits;
using VaeCluster.Models;
using VaeCluster.Models.Objectives;
using VaeCluster.Torch;

namespace VaeCluster.Config;

/// <summary>
/// The whole configuration of a run, checked and resolved: each section is one feature's options.
/// <see cref="ConfigSources.Load"/> makes one from what the user wrote.
/// </summary>
public sealed class RunConfig : IValidatableObject
{
    /// <summary>
    /// What a resumed run may change: how long it runs, how often it looks at itself, how it gets at its data, what it keeps,
    /// how its workers reach each other, and whether it takes some that compute other bits. All else decides the weights.
    /// </summary>
    public static readonly IReadOnlyList<string> MayChange =
    [
        "train.steps", "train.epochs", "train.skip_limit", "train.hash_steps", "train.trace_steps", "train.mixed_workers",
        "train.validate_epochs", "train.validate_steps", "train.validate_samples",
        "data.threads", "data.prefetch_megabytes", "data.broken_limit", "data.cache.folder", "data.cache.limit_gigabytes",
        "data.read.attempts", "data.read.first_delay",
        .. OptionsShape.Paths(typeof(CheckpointOptions), "checkpoints."), .. OptionsShape.Paths(typeof(ClusterOptions), "cluster."),
    ];

    /// <summary>Keys that exclude each other.</summary>
    public static readonly IReadOnlyList<string[]> Alternatives = [["train.steps", "train.epochs"]];

    /// <summary>Keys that mean the same: where the user gives one of them, the other follows.</summary>
    public static readonly IReadOnlyList<(string, string)> Twins = [("data.size", "model.image_size")];

    public ModelOptions Model { get; set; } = new();

    public DataOptions Data { get; set; } = new();

    public TrainOptions Train { get; set; } = new();

    public ObjectiveOptions Objective { get; set; } = new();

    public OptimizerOptions Optimizer { get; set; } = new();

    public CheckpointOptions Checkpoints { get; set; } = new();

    public ClusterOptions Cluster { get; set; } = new();

    /// <summary>SHA-256 over everything that decides the weights: equal for two runs that give the same bits.</summary>
    public string Identity
    {
        get
        {
            var lines = OptionsText.Flatten(this)
                .Where(entry => !MayChange.Contains(entry.Path))
                .Select(entry => $"{entry.Path}={entry.Value}\n")
                .Order(StringComparer.Ordinal);
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines))));
        }
    }

    /// <summary>Rules between sections.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Data.Size is { } size && size != Model.ImageSize)
            yield return new($"{size} is not model.image_size, {Model.ImageSize}: give one of them", ["Data.Size", "Model.ImageSize"]);
    }

    /// <summary>Which training samples each step has.</summary>
    /// <exception cref="UserErrorException">There are fewer of them than slots.</exception>
    public StepSamples OrderOf(Manifest manifest)
    {
        var samples = manifest.Count(Split.Train);
        if (samples < Train.Slots)
        {
            throw new UserErrorException($"data.source: {Data.Source} has {samples} training images, fewer than train.slots = {Train.Slots}. "
                + "Give it more images, or the run fewer slots.");
        }
        return new StepSamples(samples, Train.Batch, Train.Slots, (ulong)Train.Seed, Data.Shuffle);
    }

    /// <summary>Makes a schedule's horizon that follows the run's length a number, so that a longer run later does not bend it.</summary>
    public void FixHorizon(long totalSteps)
    {
        if (Optimizer.Schedule.Kind == ScheduleKind.Cosine) Optimizer.Schedule.Steps ??= totalSteps;
    }

    /// <summary>Every key with its value. Read again it gives an equal configuration, whatever the presets say by then.</summary>
    public string ToYaml() => "# The configuration of this run, every value resolved.\n" + OptionsText.ToYaml(this);

    public JsonObject ToJson() => OptionsJson.ToJson(this);

    /// <summary>What differs between two configurations, in the order of the keys.</summary>
    public static IReadOnlyList<ConfigDifference> Difference(RunConfig before, RunConfig after)
    {
        var was = OptionsText.Flatten(before).ToDictionary(entry => entry.Path, entry => entry.Value);
        var now = OptionsText.Flatten(after).ToDictionary(entry => entry.Path, entry => entry.Value);
        return was.Keys.Union(now.Keys)
            .Select(key => new ConfigDifference(key, was.GetValueOrDefault(key), now.GetValueOrDefault(key), MayChange.Contains(key)))
            .Where(difference => difference.Before != difference.After)
            .ToList();
    }
}

/// <summary>A key with its two values; null where the key is not there. A resume takes it if it may change.</summary>
public sealed record ConfigDifference(string Key, string? Before, string? After, bool MayChange)
{
    public override string ToString() => $"{Key}: {Before ?? "(none)"} -> {After ?? "(none)"}";
}
