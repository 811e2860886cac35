using System.ComponentModel.DataAnnotations;
using VaeCluster.Config.Binding;

namespace VaeCluster.Config.Tests.Binding;

public enum SampleKind { Plain, TwoWords, Bf16 }

public sealed class SampleRoot : IValidatableObject
{
    public SampleTrain Train { get; set; } = new();

    public SampleNet Net { get; set; } = new();

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Net.Size > 512 && Train.Batch > 4) yield return new("too large for this batch", ["Net.Size", "Train.Batch"]);
    }
}

public sealed class SampleTrain : IValidatableObject
{
    [Range(1, 1024)] public int Batch { get; set; } = 128;

    public long? Steps { get; set; }

    public int? Epochs { get; set; }

    [Range(double.Epsilon, 10)] public double Rate { get; set; } = 1e-3;

    public float Narrow { get; set; } = 0.1f;

    public bool Exact { get; set; } = true;

    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);

    [Range(1, int.MaxValue)] public int? MicroBatch { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (MicroBatch > Batch) yield return new("must be at most the batch", [nameof(MicroBatch)]);
    }
}

public sealed class SampleNet
{
    public string Name { get; set; } = "none";

    public string? Note { get; set; }

    public SampleKind Kind { get; set; }

    [Range(8, 4096)] public int Size { get; set; } = 28;

    [MinLength(1)] public IReadOnlyList<int> Widths { get; set; } = [32, 64];

    public List<SampleStage> Stages { get; set; } = [];
}

public sealed class SampleStage
{
    [Range(1, 99)] public int Width { get; set; } = 8;

    public string Label { get; set; } = "";
}

/// <summary>Binds the sample as the program binds a run's configuration.</summary>
public static class Sample
{
    private static readonly string[][] Alternatives = [["train.steps", "train.epochs"]];

    public static SampleRoot Load(string yaml, IReadOnlyList<string>? switches = null, Dictionary<string, string>? environment = null, string? below = null)
    {
        var mistakes = new Mistakes();
        List<MapSetting> layers =
        [
            YamlSettings.ReadDocument(below ?? "", "preset", mistakes),
            YamlSettings.ReadDocument(yaml, "run.yaml", mistakes),
            SettingLayers.FromEnvironment(environment ?? [], mistakes),
            SettingLayers.FromSwitches(switches ?? [], mistakes),
        ];
        var settings = SettingLayers.Combine(layers, Alternatives);
        var root = new SampleRoot();
        OptionsBinder.Bind(root, settings, mistakes);
        OptionsValidator.Validate(root, settings, new Origin("run.yaml"), mistakes);
        mistakes.ThrowIfAny();
        return root;
    }

    /// <summary>The lines of the error that loading ends in.</summary>
    public static string[] Errors(string yaml, IReadOnlyList<string>? switches = null, Dictionary<string, string>? environment = null) =>
        Assert.Throws<UserErrorException>(() => Load(yaml, switches, environment)).Message.Split('\n');
}
