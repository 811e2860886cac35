using System.Diagnostics;
using System.Text.Json.Nodes;
using VaeCluster.Checkpoints.Tests.Storage;
using VaeCluster.Config.Runs;

namespace VaeCluster.Tests;

/// <summary>Stopped anywhere, a run goes on to the bits of an uninterrupted one.</summary>
public sealed class ResumeTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(3);

    private readonly RunSandbox _sandbox = new();
    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    public void Dispose() => _sandbox.Dispose();

    [Theory]
    [InlineData("mnist", 28)]
    [InlineData("tiny", 16)]
    public async Task Train_KilledInTheMiddleOfAnEpoch_GoesOnToTheSameBits(string preset, int size)
    {
        // 13 steps an epoch, the last one smaller.
        var config = _sandbox.Write("run.yaml", $$"""
            model: {preset: {{preset}}}
            data: {source: "shapes:?count=128&size={{size}}", size: {{size}}, threads: 1}
            train: {batch: 8, slots: 4, steps: 60, validate_epochs: 2, validate_samples: 8}
            optimizer: {ema_decay: 0.9}
            checkpoints: {every_steps: 5, keep_last: 2}
            """);
        _sandbox.Train(config).AssertSuccess();
        var (hashes, losses) = (Newest(), Losses());
        Assert.Equal(60, losses.Count);

        foreach (var place in (string[][])[[], await S3PlaceAsync()])
        {
            Directory.Delete(_sandbox.Run, recursive: true);
            // The first process leaves a checkpoint for certain; that of the second one which is newest depends on the storage's pace.
            _sandbox.Train(config, [.. place, "--steps", "10"]).AssertSuccess();
            await KillAsync(config, 23, place);

            var resumed = _sandbox.Train(config, place).AssertSuccess();
            Assert.Matches("Resumed after step (1[0-9]|2[0-9]) from", resumed.Output);
            Assert.Equal(hashes, Newest());
            Assert.Equal(losses, Losses());
            Assert.Equal(hashes.Weights, (string)Inspect()["weights_sha256"]!);
        }
    }

    [Fact]
    public async Task Train_NewFolder_GoesOnFromTheBucketAlone()
    {
        var (config, place) = (_sandbox.SmallConfig(), await S3PlaceAsync());
        _sandbox.Train(config, place).AssertSuccess();
        Directory.Delete(_sandbox.Run, recursive: true);
        var output = _sandbox.Train(config, [.. place, "--steps", "4"]).AssertSuccess().Output;
        Assert.Contains("Resumed after step 3 from s3://", output, StringComparison.Ordinal);
        using var folder = RunFolder.Open(_sandbox.Run);
        Assert.Equal([4], folder.ReadMetrics().Select(row => row.Step));
    }

    [Fact]
    public void Train_ResumeChosen_GoesOnFromThere()
    {
        var config = TrainStepByStep();
        var hashes = Newest();

        _sandbox.Train(config, "--resume", "7").AssertUserError("there is no checkpoint of step 7; there are those of steps 1, 2, 3");
        _sandbox.Train(config, "--resume", "soon").AssertUserError("--resume soon: give the step of a checkpoint, latest or best");
        Assert.Contains("Resumed after step 1 from", _sandbox.Train(config, "--resume", "1").AssertSuccess().Output, StringComparison.Ordinal);
        Assert.Equal(hashes, Newest());
        Assert.Equal([1, 2, 3], Losses().Select(row => row.Step));
        Assert.Contains("Resumed after step 3 from", _sandbox.Train(config, "--resume", "best").AssertSuccess().Output, StringComparison.Ordinal);
        Assert.Contains("beyond the 2 steps", _sandbox.Train(config, "--resume", "latest", "--steps", "2").Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Train_NewestDamaged_TakesTheOneBeforeAndSaysSo()
    {
        var config = TrainStepByStep();
        var hashes = Newest();
        var damaged = Path.Combine(_sandbox.Run, "checkpoints", "step-000000000003", "weights.safetensors");
        var bytes = File.ReadAllBytes(damaged);
        bytes[^9] ^= 4;
        File.WriteAllBytes(damaged, bytes);
        RunSandbox.Start("checkpoints", "verify", _sandbox.Run).AssertUserError("step-000000000003/weights.safetensors does not match its SHA-256");
        File.Delete(Path.Combine(_sandbox.Run, "summary.json")); // as after a kill

        var output = _sandbox.Train(config).AssertSuccess().Output;
        Assert.Contains("step-000000000003/weights.safetensors does not match its SHA-256", output, StringComparison.Ordinal);
        Assert.Contains("Resumed after step 2 from", output, StringComparison.Ordinal);
        Assert.Equal(hashes, Newest());
    }

    [Fact]
    public void Train_CheckpointsOfAnotherRun_AreRefusedWithTheDifference()
    {
        var place = $"checkpoints.storage={_sandbox.In("kept")}";
        var config = _sandbox.SmallConfig();
        _sandbox.Train(config, "--set", place).AssertSuccess();
        Directory.Delete(_sandbox.Run, recursive: true);

        _sandbox.Train(config, "--set", place, "train.seed=8").AssertUserError("was saved under another configuration", "train.seed: 7 -> 8");
        _sandbox.AssertNoRun();
    }

    [Fact]
    public void Checkpoints_ListVerifyPrune_OfAFolder()
    {
        TrainStepByStep();
        var folder = Path.Combine(_sandbox.Run, "checkpoints");
        foreach (var place in new[] { _sandbox.Run, folder })
        {
            var list = JsonNode.Parse(RunSandbox.Start("checkpoints", "list", place, "--json").AssertSuccess().Output)!.AsArray();
            Assert.Equal([3, 2, 1], list.Select(entry => (long)entry!["step"]!));
            Assert.Equal([true, false, false], list.Select(entry => (bool)entry!["latest"]!));
        }
        Assert.Contains("step-000000000003", RunSandbox.Start("checkpoints", "list", _sandbox.Run).AssertSuccess().Output, StringComparison.Ordinal);
        Assert.Contains("step-000000000001: good", RunSandbox.Start("checkpoints", "verify", _sandbox.Run).AssertSuccess().Output, StringComparison.Ordinal);

        var one = Path.Combine(folder, "step-000000000002");
        Assert.Contains("optimizer.safetensors", RunSandbox.Start("inspect", one).AssertSuccess().Output, StringComparison.Ordinal);
        var inspected = JsonNode.Parse(RunSandbox.Start("inspect", one, "--json").AssertSuccess().Output)!;
        Assert.Equal((2, 32), ((long)inspected["step"]!, (long)inspected["epoch_offset"]!));

        RunSandbox.Start("checkpoints", "prune", _sandbox.Run, "--keep-last", "0").AssertUserError("--keep-last 0: must be at least 1");
        Assert.Contains("Nothing to remove", RunSandbox.Start("checkpoints", "prune", _sandbox.Run).AssertSuccess().Output, StringComparison.Ordinal);
        var pruned = RunSandbox.Start("checkpoints", "prune", folder, "--keep-last", "1", "--keep-best", "0", "--json").AssertSuccess();
        Assert.Equal(["step-000000000001", "step-000000000002"], JsonNode.Parse(pruned.Output)!.AsArray().Select(name => (string)name!).Order(StringComparer.Ordinal));
        RunSandbox.Start("checkpoints", "list", _sandbox.In("nowhere")).AssertUserError("there is no such folder");
    }

    /// <summary>Three steps in as many processes: each leaves its checkpoint.</summary>
    private string TrainStepByStep()
    {
        var config = _sandbox.SmallConfig("checkpoints: {keep_last: 9}");
        foreach (var steps in (string[])["1", "2", "3"]) _sandbox.Train(config, "--steps", steps).AssertSuccess();
        return config;
    }

    private static async Task<string[]> S3PlaceAsync()
    {
        var server = await S3Servers.GetAsync("honoured");
        return
        [
            "--set", $"checkpoints.storage=s3://{S3Server.Bucket}/runs/{Guid.NewGuid():N}", $"checkpoints.s3.endpoint={server.Options.Endpoint}",
            $"checkpoints.s3.region={server.Options.Region}", "checkpoints.s3.path_style=true",
        ];
    }

    /// <summary>Trains until so many steps are in the series, then SIGKILL.</summary>
    private async Task KillAsync(string config, int step, string[] more)
    {
        using var process = RunSandbox.Launch(["train", "--config", config, "--run", _sandbox.Run, .. more]);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(_cancellation), process.StandardError.ReadToEndAsync(_cancellation));
        var started = Stopwatch.GetTimestamp();
        while (Losses().Count < step && !process.HasExited)
        {
            if (Stopwatch.GetElapsedTime(started) > Deadline)
            {
                process.Kill();
                Assert.Fail($"step {step} was not reached within {Deadline}: {await output}{await errors}");
            }
            await Task.Delay(2, _cancellation);
        }
        process.Kill();
        await process.WaitForExitAsync(_cancellation);
        Assert.True(process.ExitCode == 137, $"it ended by itself with {process.ExitCode}: {await output}{await errors}");
    }

    /// <summary>The losses of each step, without the times.</summary>
    private List<(long Step, double Loss, double Norm)> Losses()
    {
        var path = Path.Combine(_sandbox.Run, RunFolder.MetricsName);
        return [.. MetricsLog.Read(path, MetricsRow.Header).Select(MetricsRow.Parse).Select(row => (row.Step, row.Loss, row.GradientNorm))];
    }

    private (long Step, string Weights, string State) Newest()
    {
        var newest = JsonNode.Parse(RunSandbox.Start("checkpoints", "list", _sandbox.Run, "--json").AssertSuccess().Output)![0]!;
        return ((long)newest["step"]!, (string)newest["weights_sha256"]!, (string)newest["state_sha256"]!);
    }

    private JsonNode Inspect() => JsonNode.Parse(ProgramRun.Of("inspect", _sandbox.Run, "--json").AssertSuccess().Output)!;
}
