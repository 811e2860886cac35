using VaeCluster.Models.Presets;
using VaeCluster.Torch;

namespace VaeCluster.Config.Tests;

public sealed class RunConfigTests
{
    [Theory]
    [InlineData("train: {epochs: null}", "give train.steps or train.epochs")]
    [InlineData("train: {steps: 5, epochs: 2}", "not both")]
    [InlineData("train: {steps: 5, batch: 4, slots: 8}", "a step of 4 samples is too small for 8 slots")]
    [InlineData("train: {steps: 5, micro_batch: 129}", "must be at most the batch, 128")]
    [InlineData("train: {steps: 5, precision: fp16}", "must be one of fp32, bf16")]
    [InlineData("train: {steps: -1}", "run.yaml:1: train.steps = -1: must be at least 1")]
    public void Load_BreaksARule_IsNamed(string yaml, string expected) =>
        Assert.Contains(expected, Assert.Throws<UserErrorException>(() => Load(yaml)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("model: {preset: sd-smal}\ntrain: {batch: 0}", "run.yaml:1: model.preset = sd-smal: unknown preset; did you mean sd-small? known: mnist,")]
    [InlineData("model: {preset: sd-smal}\ntrain: {batch: 0}", "run.yaml:2: train.batch = 0: must be between")]
    [InlineData("model: {preset: [mnist]}", "run.yaml:1: model.preset = [mnist]: must be a single value")]
    [InlineData("model: mnist", "run.yaml:1: model = mnist: must be a section")]
    public void Load_BadPreset_IsNamedAndTheRestChecked(string yaml, string expected) =>
        Assert.Contains(expected, Assert.Throws<UserErrorException>(() => Load(yaml)).Message, StringComparison.Ordinal);

    [Fact]
    public void Load_EachPreset_IsAGoodConfiguration()
    {
        foreach (var preset in Preset.All)
        {
            var config = Load($"model: {{preset: {preset.Name}}}");
            Assert.Equal(preset.Name, config.Model.Preset);
            Assert.Empty(RunConfig.Difference(config, Load(config.ToYaml())));
        }
    }

    [Fact]
    public void Load_Preset_GivesDefaultsBelowTheFile()
    {
        var config = Load("model: {preset: conv64}\noptimizer: {lr: 1e-4}\ntrain: {steps: 9}");
        Assert.Equal((64, 128, 64, 1e-4), (config.Model.ImageSize, config.Model.Latent, config.Train.Batch, config.Optimizer.Lr));
        Assert.Equal(ScheduleKind.Exponential, config.Optimizer.Schedule.Kind);
        Assert.Equal((9, null), (config.Train.Steps, config.Train.Epochs));
    }

    [Fact]
    public void Load_ImageSize_IsOneThingUnderTwoNames()
    {
        Assert.Equal(64, Load("model: {preset: sd}\ndata: {size: 64}").Model.ImageSize);
        Assert.Equal(64, Load("model: {preset: sd, image_size: 64}").Data.Size);
        Assert.Equal(128, Load("model: {preset: sd, image_size: 64}", switches: ["data.size=128"]).Model.ImageSize);
        Assert.Equal(256, Load("model: {preset: sd}\ndata: {size: null}").Data.Size);
        Assert.StartsWith("run.yaml:1: data.size", Assert.Throws<UserErrorException>(() => Load("data: {size: 64}\nmodel: {preset: sd, image_size: 32}")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_StepsUnderCosine_KeepsTheHorizon()
    {
        var config = Load("train: {steps: 600}\noptimizer: {schedule: {kind: cosine}}", steps: 7);
        Assert.Equal((7, 600), (config.Train.Steps, config.Optimizer.Schedule.Steps));
        config = Load("train: {epochs: 6}\noptimizer: {schedule: {kind: cosine, steps: 50}}", steps: 7);
        Assert.Equal((7, 50), (config.Train.Steps, config.Optimizer.Schedule.Steps));
        Assert.Contains("optimizer.schedule.steps: give cosine's horizon in steps",
            Assert.Throws<UserErrorException>(() => Load("train: {epochs: 6}\noptimizer: {schedule: {kind: cosine}}", steps: 7)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_Steps_WinsOverEpochs()
    {
        var config = Load("train: {epochs: 2}", steps: 7);
        Assert.Equal((7, null), (config.Train.Steps, config.Train.Epochs));
        Assert.StartsWith("--steps: train.steps = 0: ", Assert.Throws<UserErrorException>(() => Load("train: {epochs: 2}", steps: 0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ToYaml_Loaded_ComesBack()
    {
        var config = Load("train: {steps: 5, micro_batch: 4, precision: bf16}");
        var again = Load(config.ToYaml());
        Assert.Empty(RunConfig.Difference(config, again));
        Assert.Equal(config.ToYaml(), again.ToYaml());
    }

    [Fact]
    public void Identity_Seed_Changes_LengthDoesNot()
    {
        var config = Load("train: {steps: 5}");
        Assert.Equal(config.Identity, Load("train: {epochs: 3, validate_epochs: 2}").Identity);
        Assert.NotEqual(config.Identity, Load("train: {steps: 5, seed: 8}").Identity);
    }

    [Fact]
    public void Difference_Changed_ListsKeysAndWhetherTheyMayChange()
    {
        var difference = RunConfig.Difference(Load("train: {steps: 5}"), Load("train: {epochs: 2, seed: 8}"));
        Assert.Equal(["train.steps: 5 -> null", "train.epochs: null -> 2", "train.seed: 7 -> 8"], difference.Select(d => d.ToString()));
        Assert.Equal([true, true, false], difference.Select(d => d.MayChange));
    }

    [Fact]
    public void MayChange_EveryPath_Exists() =>
        Assert.Empty(RunConfig.MayChange.Except(Config.Binding.OptionsShape.Paths(typeof(RunConfig))));

    [Fact]
    public void FromFile_Missing_IsNamed() =>
        Assert.StartsWith("nowhere.yaml: the configuration can't be read", Assert.Throws<UserErrorException>(() => ConfigSources.FromFile("nowhere.yaml")).Message, StringComparison.Ordinal);

    private static RunConfig Load(string yaml, long? steps = null, string[]? switches = null) =>
        new ConfigSources { Text = yaml, Name = "run.yaml", Steps = steps, Switches = switches ?? [] }.Load();
}
