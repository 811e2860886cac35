using System.Diagnostics;
using Benchmarks;

// Benchmarks [--page FILE] [--full] [area ...]: what `make bench` runs by default, with --full all areas. Each measures us and the
// peer in turn, in this one run, and prints ratios. The page has all that was printed, with commit, machine and command.
Dictionary<string, Area> areas = new()
{
    ["training"] = new(TrainingBenchmarks.RunAsync, "One worker's training step beside PyTorch's: at least as fast on each preset, 3 times on mnist."),
    ["ddp-mnist"] = new(DdpBenchmark.RunMnistAsync, "Two workers beside PyTorch DistributedDataParallel on gloo: at least as fast."),
    ["ddp-tiny"] = new(DdpBenchmark.RunTinyAsync, "The same with tiny."),
    ["ddp-sd-small"] = new(DdpBenchmark.RunSmallAsync, "The same with sd-small."),
    ["all-reduce"] = new(AllReduceBenchmark.RunAsync, "Beside gloo between processes: over gRPC half of its bandwidth for 4 MiB and more (bf16 0.7), ahead of it at 256 KiB with 4 members."),
    ["all-reduce-shared"] = new(AllReduceBenchmark.RunSharedAsync, "Members of one host through shared memory beside gloo, fp32: 3 times its bandwidth from 4 MiB on, a fifth of its time up to 256 KiB."),
    ["recovery"] = new(RecoveryBenchmark.RunAsync, "From SIGKILL of a worker to the survivors' next step: at most 300 ms in the median and 1 s at worst, ten times sooner than torchrun."),
    ["join"] = new(JoinBenchmark.RunAsync, "A worker that joins contributes within 2 s of being ready with 100 MB of state; the others' steps take 1.25 times as long at most."),
    ["uneven"] = new(UnevenBenchmark.RunAsync, "Two workers, one 4 times as slow: at least 85 % of what their rates allow."),
    ["control"] = new(ControlBenchmark.RunAsync, "A coordinator with 1,000 workers: heartbeats and plans within 100 ms (99 %)."),
    ["checkpoints"] = new(CheckpointBenchmarks.RunAsync, "A save holds a step up for no longer than a copy of the state in memory takes."),
    ["data"] = new(DataBenchmarks.RunAsync, "Decoding and resizing beside torchvision with PIL: twice as fast per core; 20 times from the decoded cache."),
    ["anomalies"] = new(AnomalyBenchmark.RunAsync, "MNIST with one digit left out of the training: AUROC of that digit by each score, a mean of at least 0.70 for the best one.", InBench: false),
    ["augment"] = new(AugmentBenchmark.RunAsync, "500 labelled digits, a small classifier with and without `vaecluster augment`: both accuracies over 5 seeds.", InBench: false),
    ["grpc"] = new(GrpcBenchmarks.RunAsync, "The data path beside plain HTTP/2.", InBench: false),
    ["optimizer"] = new(TrainingBenchmarks.RunOptimizerAsync, "Adam beside PyTorch's.", InBench: false),
    ["bf16-loss"] = new(TrainingBenchmarks.RunBf16LossAsync, "300 steps in bf16 end within 1 % of the loss in fp32, with each of three seeds.", InBench: false),
    ["collectives"] = new(CollectivesBenchmarks.RunStepsAsync, "The exchange without a network, beside the sums alone.", InBench: false),
    ["early-end"] = new(CollectivesBenchmarks.RunEndsAsync, "A collective that is ended returns within 10 ms.", InBench: false),
    ["prometheus"] = new(PrometheusBenchmarks.RunAsync, "What counting and a scrape cost.", InBench: false),
};

var names = args.ToList();
var full = names.Remove("--full");
string? path = null;
if (names.IndexOf("--page") is var option and >= 0 && option + 1 < names.Count)
{
    path = names[option + 1];
    names.RemoveRange(option, 2);
}
var unknown = names.Where(name => !areas.ContainsKey(name)).ToList();
if (unknown.Count > 0)
{
    Console.Error.WriteLine($"No such benchmark: {string.Join(", ", unknown)}. There are: {string.Join(", ", areas.Keys)}.");
    return 2;
}

Console.WriteLine(Machine.Description());
using var page = path is null ? null : new BenchmarkPage(path, $"Benchmarks {string.Join(' ', args)}");
var failed = 0;
foreach (var (name, area) in areas.Where(entry => names.Count > 0 ? names.Contains(entry.Key) : full || entry.Value.InBench))
{
    Console.WriteLine($"\n== {name}");
    page?.Begin();
    var start = Stopwatch.GetTimestamp();
    try
    {
        await area.Run();
    }
    catch (Exception exception) when (names.Count != 1)
    {
        // The others' figures are worth having.
        failed++;
        Console.WriteLine($"It failed: {exception.Message}");
        Console.Error.WriteLine(exception);
    }
    page?.Add(name, area.Claim, Stopwatch.GetElapsedTime(start));
}
page?.End();
return failed == 0 ? 0 : 1;

/// <param name="Run">Measures and prints.</param>
/// <param name="Claim">What is wanted, in a sentence or two.</param>
/// <param name="InBench">Part of `make bench`; the others only of `make bench-full`.</param>
internal sealed record Area(Func<Task> Run, string Claim, bool InBench = true);
