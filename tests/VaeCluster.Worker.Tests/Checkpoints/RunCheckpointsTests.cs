using VaeCluster.Checkpoints;
using VaeCluster.Config;
using VaeCluster.Worker.Checkpoints;
using VaeCluster.Worker.Tests.Training;
using VaeCluster.Worker.Training;

namespace VaeCluster.Worker.Tests.Checkpoints;

/// <summary>From the state of a training to a checkpoint and back.</summary>
public sealed class RunCheckpointsTests : IDisposable
{
    private static readonly CheckpointOwner Owner = new("test", 1, 0);

    private readonly string _folder = Directory.CreateTempSubdirectory("vaecluster-run-").FullName;
    private readonly List<CheckpointOutcome> _outcomes = [];
    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("mnist", "optimizer.ema_decay=0.9")]
    [InlineData("mnist", "optimizer.name=sgd", "optimizer.momentum=0.9", "optimizer.clip_norm=1")]
    [InlineData("tiny", "optimizer.name=adamw", "train.micro_batch=1")]
    public async Task Restore_SavedAfterThreeSteps_GoesOnToTheSameBits(string preset, params string[] more)
    {
        var config = Runs.Config(preset, more);
        using var uninterrupted = new LocalTraining(config);
        Run(uninterrupted, 3);
        await SaveAsync(uninterrupted, config);
        Run(uninterrupted, 3);

        using var resumed = new LocalTraining(config);
        await using (var checkpoints = Open(resumed, config))
        {
            Assert.True(resumed.Restore(checkpoints, CheckpointChoice.Latest, _cancellation));
            Assert.Equal(3, resumed.Step);
            Run(resumed, 3);
        }

        Assert.Equal(uninterrupted.WeightsSha256(), resumed.WeightsSha256());
        Assert.Equal(await StateHashAsync(uninterrupted, config), await StateHashAsync(resumed, config));
    }

    [Fact]
    public async Task Restore_CountersAndHash_AreThoseSaved()
    {
        var config = Runs.Config("mnist", "optimizer.ema_decay=0.9");
        using var saved = new LocalTraining(config);
        Run(saved, 2);
        saved.State.Skipped = 3; // as after steps whose gradient was not finite
        await SaveAsync(saved, config);
        var hash = await StateHashAsync(saved, config);

        using var restored = new LocalTraining(config);
        await using var checkpoints = Open(restored, config);
        Assert.Equal(2, await checkpoints.RestoreAsync(restored.State, CheckpointChoice.AtStep(2), _cancellation));
        Assert.Equal((2, 3, 2), (restored.State.Step, restored.State.Skipped, restored.State.Optimizer.Updates));
        Assert.Equal(hash, await StateHashAsync(restored, config));
        Assert.Equal(1u, await checkpoints.HighestTermAsync(_cancellation));
    }

    [Fact]
    public async Task Restore_NewestDamaged_TakesTheOneBeforeWithOneWarning()
    {
        var config = Runs.Config("tiny");
        using var training = new LocalTraining(config);
        Run(training, 1);
        await SaveAsync(training, config);
        Run(training, 1);
        await SaveAsync(training, config);
        var damaged = Path.Combine(_folder, "checkpoints", "step-000000000002", "optimizer.safetensors");
        using (var file = File.OpenWrite(damaged)) file.SetLength(file.Length - 1);
        _outcomes.Clear();

        using var restored = new LocalTraining(config);
        await using var checkpoints = Open(restored, config);
        Assert.Equal(1, await checkpoints.RestoreAsync(restored.State, CheckpointChoice.Latest, _cancellation));

        var outcome = Assert.IsType<CheckpointRestored>(Assert.Single(_outcomes));
        Assert.Contains("step-000000000002/optimizer.safetensors", outcome.Warning, StringComparison.Ordinal);
        Assert.True(outcome.IsWarning);
    }

    [Fact]
    public async Task Restore_OtherConfigurationOrData_IsRefusedWithTheDifference()
    {
        var config = Runs.Config("tiny");
        using var training = new LocalTraining(config);
        await SaveAsync(training, config);

        var seed = Runs.Config("tiny", "train.seed=8", "checkpoints.keep_last=9");
        await using var other = RunCheckpoints.Open(seed, _folder, training.ManifestId, _outcomes.Add);
        var refusal = await Assert.ThrowsAsync<UserErrorException>(() => other.RestoreAsync(training.State, CheckpointChoice.Latest, _cancellation));
        Assert.Contains("train.seed: 7 -> 8", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("keep_last", refusal.Message, StringComparison.Ordinal);

        await using var moved = RunCheckpoints.Open(config, _folder, new string('0', 64), _outcomes.Add);
        refusal = await Assert.ThrowsAsync<UserErrorException>(() => moved.RestoreAsync(training.State, CheckpointChoice.Latest, _cancellation));
        Assert.Contains("other data", refusal.Message, StringComparison.Ordinal);

        var longer = Runs.Config("tiny", "train.steps=2000");
        await using var taken = RunCheckpoints.Open(longer, _folder, training.ManifestId, _outcomes.Add);
        Assert.Equal(0, await taken.RestoreAsync(training.State, CheckpointChoice.Latest, _cancellation));
        Assert.Equal(["train.steps: 1000 -> 2000"], Assert.IsType<CheckpointRestored>(_outcomes[^1]).Changes);
    }

    [Fact]
    public async Task Restore_NothingThere_IsNull()
    {
        var config = Runs.Config("tiny");
        using var training = new LocalTraining(config);
        await using var checkpoints = Open(training, config);
        Assert.Null(await checkpoints.RestoreAsync(training.State, CheckpointChoice.Latest, _cancellation));
        Assert.Equal(0u, await checkpoints.HighestTermAsync(_cancellation));
    }

    [Fact]
    public async Task SaveIfDue_EveryTwoSteps_SavesThose()
    {
        var config = Runs.Config("tiny", "checkpoints.every_steps=2");
        using var training = new LocalTraining(config);
        await using (var checkpoints = Open(training, config))
        {
            for (var step = 1; step <= 5; step++)
            {
                Run(training, 1);
                if (checkpoints.SaveIfDue(training.State, Owner, validationLoss: step)) Assert.Equal(0, step % 2);
            }
            Assert.True(await checkpoints.SaveLastAsync(training.State, Owner, validationLoss: 5, _cancellation));
        }
        var newest = (await ListAsync(config))[0];
        Assert.Equal((5, 5.0, training.WeightsSha256()), (newest.Step, newest.ValidationLoss, newest.Record!.Metadata.WeightsSha256));
        Assert.Equal((0, 80), (newest.Record.Metadata.Epoch, newest.Record.Metadata.EpochOffset));
    }

    [Fact]
    public async Task SaveLast_AgainOfALaterGeneration_IsTheNewest()
    {
        // A run at step 2 goes back to step 1 and comes to step 2 again: that is where the next one goes on.
        var config = Runs.Config("tiny");
        using var training = new LocalTraining(config);
        Run(training, 1);
        await SaveAsync(training, config);
        Run(training, 1);
        await SaveAsync(training, config);

        using var again = new LocalTraining(config);
        await using var checkpoints = Open(again, config);
        await checkpoints.RestoreAsync(again.State, CheckpointChoice.AtStep(1), _cancellation);
        var owner = Owner with { Term = 2 };
        Assert.True(await checkpoints.SaveLastAsync(again.State, owner, null, _cancellation));
        Run(again, 1);
        Assert.True(await checkpoints.SaveLastAsync(again.State, owner, null, _cancellation));
        Assert.Equal([2, 1], (await ListAsync(config)).Select(entry => entry.Step));
    }

    [Fact]
    public async Task Records_SavedWithTheState_AreThereAfterRestore()
    {
        var config = Runs.Config("tiny");
        byte[] records = [1, 2, 3];
        using var training = new LocalTraining(config);
        Run(training, 1);
        await using (var checkpoints = Open(training, config))
        {
            checkpoints.Records = () => records;
            Assert.True(await checkpoints.SaveLastAsync(training.State, Owner, null, _cancellation));
        }

        using var again = new LocalTraining(config);
        await using var restored = Open(again, config);
        Assert.Equal(1, await restored.RestoreAsync(again.State, CheckpointChoice.Latest, _cancellation));
        Assert.Equal(records, restored.RestoredRecords);
    }

    private RunCheckpoints Open(LocalTraining training, RunConfig config) =>
        RunCheckpoints.Open(config, _folder, training.ManifestId, outcome => { lock (_outcomes) _outcomes.Add(outcome); });

    private void Run(LocalTraining training, int steps)
    {
        for (var step = 0; step < steps; step++) training.RunStep(_cancellation);
    }

    private async Task SaveAsync(LocalTraining training, RunConfig config)
    {
        await using var checkpoints = Open(training, config);
        Assert.True(await checkpoints.SaveLastAsync(training.State, Owner, null, _cancellation));
    }

    private async Task<IReadOnlyList<CheckpointEntry>> ListAsync(RunConfig config)
    {
        using var storage = CheckpointStorage.Open(config.Checkpoints, _folder);
        return await new CheckpointCatalog(storage).ListAsync(_cancellation);
    }

    /// <summary>Of the optimizer and the average, as a checkpoint in a place of its own says it.</summary>
    private async Task<string> StateHashAsync(LocalTraining training, RunConfig config)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, Guid.NewGuid().ToString("N"))).FullName;
        await using (var checkpoints = RunCheckpoints.Open(config, folder, training.ManifestId, _ => { }))
            Assert.True(await checkpoints.SaveLastAsync(training.State, Owner, null, _cancellation));
        using var storage = CheckpointStorage.Open(config.Checkpoints, folder);
        return (await new CheckpointCatalog(storage).ListAsync(_cancellation))[0].Record!.Metadata.StateSha256!;
    }
}
