using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using VaeCluster.Checkpoints.Tests.Storage;
using VaeCluster.Checkpoints.Tests.Writing;
using VaeCluster.Config.Runs;
using VaeCluster.Coordinator.Runs;
using VaeCluster.Protocol.Tests;
using VaeCluster.Tests;

namespace VaeCluster.Cluster.Tests;

/// <summary>
/// Whole clusters and their checkpoints: everything is killed and other workers go on, workers are told to stop while the
/// coordinator is away, a writer dies, a storage is full or read-only. The bits are those of the run that nothing happened to.
/// </summary>
public sealed partial class CheckpointTests
{
    private const int Steps = 60;
    private const int Stop = 23; // in the middle of an epoch of 4 steps
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(3);

    private static readonly ConcurrentDictionary<string, Lazy<(long Step, string Weights, string State)>> Computed = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("tiny", 16)]
    [InlineData("mnist", 28)]
    public async Task Kill_Everything_AnotherNumberOfWorkersGoesOnToTheSameBits(string preset, int size)
    {
        var expected = OneProcess(preset, size);
        foreach (var place in (string[])["", await S3PlaceAsync()])
        {
            await using var cluster = new TestCluster(Config(preset, size, $"every_steps: 5, keep_last: 2{place}"), "plans.min_members=3");
            cluster.StartWorkers(3);
            await cluster.WaitForStepAsync(Stop);
            foreach (var worker in cluster.Workers.Values) worker.Kill();
            cluster.KillCoordinator();
            foreach (var worker in cluster.Workers.Values) await worker.EndedAsync(Deadline);
            var (recorded, newest) = (StepsOf(cluster.Folder), Newest(cluster.Folder).Step);

            cluster.RestartCoordinator("plans.min_members=2");
            cluster.StartWorker("w4");
            cluster.StartWorker("w5");
            await cluster.CompleteAsync();
            cluster.AssertJournal();

            Assert.Equal(expected, Newest(cluster.Folder));
            Assert.Equal(expected.Weights, cluster.Weights());
            // What was on its way to a server when its sender was killed may still have come there.
            var resumed = StepsOf(cluster.Folder)[recorded.Count];
            Assert.True(resumed >= newest, $"step {resumed} was done again, though that of {newest} was saved\n{cluster.Said}");
            Assert.Equal(recorded.Count + Steps - resumed, StepsOf(cluster.Folder).Count);
        }
    }

    [Fact]
    public async Task Train_ItsProcessesKilled_GoesOnWithAnotherNumberOfWorkers()
    {
        var config = Config("tiny", 16, "every_steps: 5");
        var expected = OneProcess("tiny", 16);
        using var sandbox = new RunSandbox();
        var file = sandbox.Write("config.yaml", config);
        using (var train = RunSandbox.Launch("train", "--config", file, "--run", sandbox.Run, "--workers", "3"))
        {
            var (output, errors) = (train.StandardOutput.ReadToEndAsync(Cancellation), train.StandardError.ReadToEndAsync(Cancellation));
            var begun = Stopwatch.GetTimestamp();
            while (StepsOf(sandbox.Run).Count < Stop)
            {
                Assert.True(Stopwatch.GetElapsedTime(begun) < Deadline && !train.HasExited, $"step {Stop} was not reached");
                await Task.Delay(5, Cancellation);
            }
            train.Kill(entireProcessTree: true);
            await train.WaitForExitAsync(Cancellation);
            Assert.True(train.ExitCode == 137, $"exit {train.ExitCode}: {await output}{await errors}");
        }
        var newest = Newest(sandbox.Run).Step;

        sandbox.Train(file, "--workers", "2").AssertSuccess();
        Assert.Equal(expected, Newest(sandbox.Run));
        RunSandbox.Start("journal", "verify", sandbox.Run).AssertSuccess();
        var steps = StepsOf(sandbox.Run);
        Assert.All(steps.Zip(steps.Skip(1)), pair => Assert.True(pair.Second == pair.First + 1 || pair.Second >= newest, $"{pair.Second} after {pair.First}, with {newest} saved"));
    }

    [Fact]
    public async Task Terminate_AllWorkersWhileTheCoordinatorIsAway_TheWriterSavesBeforeItLeaves()
    {
        var config = Config("tiny", 16, "every_steps: 1000, every_minutes: 0");
        var expected = OneProcess("tiny", 16);
        await using var cluster = new TestCluster(config, "plans.min_members=2");
        cluster.StartWorkers(2);
        await cluster.WaitForStepAsync(Stop);
        cluster.KillCoordinator();
        foreach (var worker in cluster.Workers.Values) worker.AskToEnd();
        foreach (var worker in cluster.Workers.Values) Assert.True(await worker.EndedAsync(Deadline), cluster.Said);
        Assert.Equal([130, 130], cluster.Workers.Values.Select(worker => worker.ExitCode));
        Assert.InRange(Newest(cluster.Folder).Step, Stop, Steps);

        cluster.RestartCoordinator("plans.min_members=1");
        cluster.StartWorker("w3");
        await cluster.CompleteAsync();
        Assert.Equal(expected, Newest(cluster.Folder));
        // What the coordinator had not acknowledged was in the checkpoint.
        cluster.AssertJournal();
    }

    [Fact]
    public async Task Kill_TheWriter_TheNextOneSavesAtOnce()
    {
        var config = Config("tiny", 16, "every_steps: 20, keep_last: 9");
        await using var cluster = new TestCluster(config, "plans.min_members=2");
        cluster.StartWorkers(2);
        var status = await cluster.WaitAsync("the first checkpoint is there", _ => cluster.Said.Contains("checkpoint step-000000000020 saved", StringComparison.Ordinal));
        var writer = status.Plan.Members[(int)status.Plan.Writer].WorkerId;
        cluster.Workers[writer].Kill();
        await cluster.CompleteAsync();

        cluster.AssertJournal();
        var alone = JournalReader.Read(Path.Combine(cluster.Folder, "journal")).OfType<PlanEntry>().First(plan => plan.Members is [var member] && member.Worker != writer);
        // It can't know that the last save of the one before it went well.
        var first = List(cluster.Folder).Where(entry => !((string)entry!["writer"]!).Contains(writer, StringComparison.Ordinal)).Min(entry => (long)entry!["step"]!);
        Assert.Equal((long?)alone.FirstStep, first);
    }

    [Theory]
    [InlineData(true, "the disk was full")]
    [InlineData(false, "Read-only file system")]
    public async Task StorageFullOrReadOnly_TrainingGoesOnAndTheNextSaveSucceeds(bool full, string message)
    {
        const int enough = 64 << 20;
        using var folder = new TemporaryFolder();
        using var disk = SmallDisk.Mount(folder.Path, enough);
        var ballast = Path.Combine(folder.Path, "ballast");
        if (full) await File.WriteAllBytesAsync(ballast, new byte[enough - 65536], Cancellation);
        else disk.Remount("ro");
        var expected = OneProcess("tiny", 16);

        await using var cluster = new TestCluster(Config("tiny", 16, $"every_steps: 5, storage: {folder.Path}"), "plans.min_members=2");
        cluster.StartWorker("w1", "--metrics", "http://127.0.0.1:0");
        cluster.StartWorker("w2", "--metrics", "http://127.0.0.1:0");
        var failure = new Regex($"the checkpoint of step 5 could not be saved.*{Regex.Escape(folder.Path)}.*{message}");
        await cluster.WaitAsync("the failure is said", _ => failure.IsMatch(cluster.Said));
        Assert.Contains(await FailedSavesAsync(cluster.Said), count => count >= 1);
        await cluster.WaitForStepAsync(30);
        Assert.DoesNotMatch(@"checkpoint step-\d+ saved", cluster.Said);
        if (full) File.Delete(ballast);
        else disk.Remount("rw");

        await cluster.CompleteAsync();
        cluster.AssertJournal();
        Assert.Equal(expected, Newest(cluster.Folder));
    }

    [Fact]
    public async Task RunFolderFull_TrainingGoesOnAndNothingIsMissing()
    {
        const int steps = 400;
        using var folder = new TemporaryFolder();
        using var disk = SmallDisk.Mount(folder.Path, 64 << 20);
        var (ballast, expected) = (Path.Combine(folder.Path, "ballast"), TestCluster.WeightsOfOneProcess(Configs.Tiny(steps)));

        await using var cluster = TestCluster.In(Path.Combine(folder.Path, "cluster"), Configs.Tiny(steps), "plans.min_members=2");
        cluster.StartWorkers(2);
        await cluster.WaitForStepAsync(10);
        SmallDisk.Fill(ballast);
        var full = await cluster.WaitAsync("both failures are said", _ => cluster.Said.Contains("The journal can't be written: No space left", StringComparison.Ordinal)
            && cluster.Said.Contains("The run folder can't be written: No space left", StringComparison.Ordinal));
        await cluster.WaitForStepAsync(full.CompletedSteps + 30);
        File.Delete(ballast);
        await cluster.CompleteAsync();

        cluster.AssertJournal();
        Assert.Equal(expected, cluster.Weights());
        using var run = RunFolder.Open(cluster.Folder);
        Assert.Equal(Enumerable.Range(1, steps).Select(step => (long)step), run.ReadMetrics().Select(row => row.Step));
    }

    private static string Config(string preset, int size, string checkpoints) => $$"""
        model: {preset: {{preset}}{{(preset == "tiny" ? $", image_size: {size}" : "")}}}
        data: {source: "shapes:?count=160&size={{size}}", size: {{size}}, threads: 1}
        train: {batch: 32, slots: 8, steps: {{Steps}}, seed: 7, threads: 1, validate_epochs: 4, validate_samples: 8}
        optimizer: {ema_decay: 0.9}
        checkpoints: {{{checkpoints}}}
        """;

    private static async Task<string> S3PlaceAsync()
    {
        var server = (await S3Servers.GetAsync("honoured")).Options;
        return $", storage: \"s3://{S3Server.Bucket}/runs/{Guid.NewGuid():N}\", s3: {{endpoint: \"{server.Endpoint}\", region: {server.Region}, path_style: true}}";
    }

    /// <summary>What the run in one process comes to, computed once.</summary>
    private static (long Step, string Weights, string State) OneProcess(string preset, int size) => Computed.GetOrAdd(preset, _ => new(() =>
    {
        using var sandbox = new RunSandbox();
        sandbox.Train(sandbox.Write("config.yaml", Config(preset, size, "every_steps: 1000"))).AssertSuccess();
        return Newest(sandbox.Run);
    })).Value;

    private static (long Step, string Weights, string State) Newest(string run)
    {
        var newest = List(run)[0]!;
        return ((long)newest["step"]!, (string)newest["weights_sha256"]!, (string)newest["state_sha256"]!);
    }

    private static JsonArray List(string run) => JsonNode.Parse(RunSandbox.Start("checkpoints", "list", run, "--json").AssertSuccess().Output)!.AsArray();

    /// <summary>The steps in the journal, in the order in which they were done.</summary>
    private static List<long> StepsOf(string run) =>
        [.. JournalReader.Read(Path.Combine(run, "journal")).OfType<StepEntry>().Select(entry => (long)entry.Step)];

    /// <summary>What each worker counts of attempts that failed.</summary>
    private static async Task<List<double>> FailedSavesAsync(string said)
    {
        using var client = new HttpClient();
        var counts = new List<double>();
        foreach (Match worker in MetricsAddress().Matches(said))
        {
            var text = await client.GetStringAsync(new Uri(worker.Groups[1].Value), Cancellation);
            counts.Add(double.Parse(FailedSaves().Match(text).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture));
        }
        return counts;
    }

    [GeneratedRegex(@"\[worker w\d\].*Metrics: (\S+)")]
    private static partial Regex MetricsAddress();

    [GeneratedRegex(@"vaecluster_worker_checkpoints_total\{outcome=""attempt_failed""\} (\S+)")]
    private static partial Regex FailedSaves();
}
