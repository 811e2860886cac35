using Benchmarks;

// Benchmarks [area ...]: all areas by default. Each area measures us and the peer in turn, in this one run, and prints ratios.
Dictionary<string, Func<Task>> areas = new()
{
    ["training"] = TrainingBenchmarks.RunAsync,
    ["optimizer"] = TrainingBenchmarks.RunOptimizerAsync,
    ["checkpoints"] = CheckpointBenchmarks.RunAsync,
    ["grpc"] = GrpcBenchmarks.RunAsync,
    ["data"] = DataBenchmarks.RunAsync,
    ["collectives"] = CollectivesBenchmarks.RunStepsAsync,
    ["early-end"] = CollectivesBenchmarks.RunEndsAsync,
    ["all-reduce"] = AllReduceBenchmark.RunAsync,
    ["ddp-mnist"] = DdpBenchmark.RunMnistAsync,
    ["ddp-tiny"] = DdpBenchmark.RunTinyAsync,
    ["ddp-sd-small"] = DdpBenchmark.RunSmallAsync,
    ["recovery"] = RecoveryBenchmark.RunAsync,
    ["join"] = JoinBenchmark.RunAsync,
    ["uneven"] = UnevenBenchmark.RunAsync,
    ["control"] = ControlBenchmark.RunAsync,
    ["prometheus"] = PrometheusBenchmarks.RunAsync,
};

var unknown = args.Where(name => !areas.ContainsKey(name)).ToList();
if (unknown.Count > 0)
{
    Console.Error.WriteLine($"No such benchmark: {string.Join(", ", unknown)}. There are: {string.Join(", ", areas.Keys)}.");
    return 2;
}

Console.WriteLine(Machine.Description());
foreach (var (name, run) in areas)
{
    if (args.Length > 0 && !args.Contains(name)) continue;
    Console.WriteLine($"\n== {name}");
    await run();
}
return 0;
