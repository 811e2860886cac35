using System.Diagnostics;
using System.Text.Json.Nodes;
using VaeCluster.Config.Runs;

namespace VaeCluster.Tests;

/// <summary>A run from the command line to its folder.</summary>
public sealed class TrainTests : IDisposable
{
    private readonly RunSandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Train_SmallRun_LeavesItsFolder()
    {
        var run = _sandbox.Train(_sandbox.SmallConfig()).AssertSuccess();
        Assert.Contains("step 3/3", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', run.Output);
        foreach (var name in new[] { "config.yaml", "metrics.csv", "validation.csv", "loss.png", "summary.json", "weights.safetensors" })
            Assert.True(File.Exists(Path.Combine(_sandbox.Run, name)), name);
        Assert.Empty(Directory.EnumerateFiles(_sandbox.Run, "*.tmp", SearchOption.AllDirectories));
        foreach (var picture in Directory.EnumerateFiles(Path.Combine(_sandbox.Run, "pictures")))
            Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(picture)[..4]);
        Assert.Contains(Directory.EnumerateFiles(Path.Combine(_sandbox.Run, "pictures")), path => path.Contains("reconstructions", StringComparison.Ordinal));
        Assert.Contains(Directory.EnumerateFiles(Path.Combine(_sandbox.Run, "pictures")), path => path.Contains("samples", StringComparison.Ordinal));

        using var folder = RunFolder.Open(_sandbox.Run);
        Assert.Single(Directory.EnumerateFiles(folder.TensorBoardPath), path => path.Contains("tfevents", StringComparison.Ordinal));
        Assert.Equal([1, 2, 3], folder.ReadMetrics().Select(row => row.Step));
        Assert.All(folder.ReadMetrics(), row => Assert.True(row.Loss > 0 && row.Recon > 0 && row.ImagesPerSecond > 0 && row.GradientNorm > 0, row.Line));

        var summary = Inspect();
        Assert.Equal(3, (long)summary["step"]!);
        Assert.True((bool)summary["finished"]!);
        Assert.Equal(715_537, (long)summary["parameters"]!);
        Assert.Matches("^[0-9a-f]{64}$", (string)summary["weights_sha256"]!);
        Assert.True((double)summary["images_per_second_median"]! > 0);
        Assert.Equal("mnist", (string)summary["config"]!["model"]!["preset"]!);
        Assert.Contains((string)summary["weights_sha256"]!, ProgramRun.Of("inspect", _sandbox.Run).AssertSuccess().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Train_Twice_SameBits_OtherSeedOthers()
    {
        var config = _sandbox.SmallConfig();
        string Hash(params string[] more)
        {
            if (Directory.Exists(_sandbox.Run)) Directory.Delete(_sandbox.Run, recursive: true);
            _sandbox.Train(config, more).AssertSuccess();
            return (string)Inspect()["weights_sha256"]!;
        }
        var first = Hash();
        Assert.Equal(first, Hash());
        Assert.NotEqual(first, Hash("--set", "train.seed=8"));
    }

    [Fact]
    public void Train_AgainInItsFolder_LeavesAFinishedRunAlone_RefusesAnother()
    {
        var config = _sandbox.SmallConfig();
        _sandbox.Train(config).AssertSuccess();
        var weights = File.GetLastWriteTimeUtc(Path.Combine(_sandbox.Run, "weights.safetensors"));

        Assert.Contains("finished", _sandbox.Train(config).AssertSuccess().Output, StringComparison.Ordinal);
        Assert.Equal(weights, File.GetLastWriteTimeUtc(Path.Combine(_sandbox.Run, "weights.safetensors")));
        _sandbox.Train(config, "--set", "train.seed=8").AssertUserError("train.seed: 7 -> 8");

        // Longer: it goes on. Without --config: the folder's own.
        var longer = RunSandbox.Start("train", "--run", _sandbox.Run, "--steps", "4").AssertSuccess();
        Assert.Contains("Resumed after step 3 from", longer.Output, StringComparison.Ordinal);
        Assert.Contains("train.steps: 3 -> 4", longer.Output, StringComparison.Ordinal);
        Assert.Equal(4, (long)Inspect()["step"]!);
        using var folder = RunFolder.Open(_sandbox.Run);
        Assert.Equal([1, 2, 3, 4], folder.ReadMetrics().Select(row => row.Step));
    }

    [Fact]
    public void Train_SwitchesAndEnvironment_AreInTheRun()
    {
        _sandbox.TrainWith(new() { ["VAECLUSTER__TRAIN__SEED"] = "11", ["VAECLUSTER__OPTIMIZER__LR"] = "0.5" }, _sandbox.SmallConfig(),
            "--steps", "1", "--set", "optimizer.lr=2e-3", "train.micro_batch=2").AssertSuccess();
        var config = Inspect()["config"]!;
        Assert.Equal((1, 11, 0.002, 2), ((long)config["train"]!["steps"]!, (long)config["train"]!["seed"]!, (double)config["optimizer"]!["lr"]!, (int)config["train"]!["micro_batch"]!));
    }

    [Fact]
    public void Train_WithoutNativeAdditions_TrainsTheSameModelSlowly()
    {
        var config = _sandbox.SmallConfig();
        _sandbox.Train(config).AssertSuccess();
        var (loss, fingerprint) = ((double)Inspect()["loss"]!, (string)Inspect()["fingerprint"]!);
        Directory.Delete(_sandbox.Run, recursive: true);

        _sandbox.TrainWith(new() { ["VAECLUSTER_NO_NATIVE_ADDITIONS"] = "1" }, config).AssertSuccess();

        Assert.Equal(loss, (double)Inspect()["loss"]!, loss * 1e-4); // other roundings, no other model
        Assert.NotEqual(fingerprint, (string)Inspect()["fingerprint"]!);
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task Train_Signal_EndsCleanly(string signal)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var config = _sandbox.SmallConfig();
        // A shell without a terminal starts its background jobs with SIGINT ignored, and the tests may be one: env gives it back.
        using var process = Process.Start(ProgramRun.Describe("/usr/bin/env",
            ["--default-signal", ProgramRun.ProgramPath, "train", "--config", config, "--run", _sandbox.Run, "--steps", "1000000"]))!;
        var errors = process.StandardError.ReadToEndAsync(cancellation);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(TimeSpan.FromMinutes(2));
        try
        {
            string? line;
            do line = await process.StandardOutput.ReadLineAsync(deadline.Token);
            while (line?.StartsWith("step ", StringComparison.Ordinal) == false);
            Assert.NotNull(line);
            ProgramRun.Shell($"kill -{signal} {process.Id}").AssertSuccess();
            await process.StandardOutput.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
        Assert.True(process.ExitCode == 130, $"exit {process.ExitCode}: {await errors}");
        var summary = Inspect();
        Assert.False((bool)summary["finished"]!);
        var step = (long)summary["step"]!;
        Assert.True(step > 0);
        var checkpoints = JsonNode.Parse(RunSandbox.Start("checkpoints", "list", _sandbox.Run, "--json").AssertSuccess().Output)!;
        Assert.Equal((step, (string)summary["weights_sha256"]!), ((long)checkpoints[0]!["step"]!, (string)checkpoints[0]!["weights_sha256"]!));
        Assert.Matches("^[0-9a-f]{64}$", (string)summary["weights_sha256"]!);
        Assert.Empty(Directory.EnumerateFiles(_sandbox.Run, "*.tmp", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("NO_COLOR=1", false)]
    public void Train_OnATerminal_ShowsABar(string environment, bool colours)
    {
        var run = RunSandbox.Shell($"TERM=xterm-256color COLUMNS=140 {environment} script -qec '\"$VAECLUSTER_PROGRAM\" train --config {_sandbox.SmallConfig()} --run {_sandbox.Run}' /dev/null").AssertSuccess();
        Assert.Contains("3/3", run.Output, StringComparison.Ordinal);
        Assert.Contains("images/s", run.Output, StringComparison.Ordinal);
        Assert.Contains("\u001b[", run.Output, StringComparison.Ordinal); // the bar moves in its place
        Assert.True(run.Output.Contains("\u001b[38;5;", StringComparison.Ordinal) == colours, run.Output);
    }

    private JsonNode Inspect() => JsonNode.Parse(ProgramRun.Of("inspect", _sandbox.Run, "--json").AssertSuccess().Output)!;
}
