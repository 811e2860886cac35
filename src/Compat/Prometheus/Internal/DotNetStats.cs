using System.Diagnostics;

namespace Prometheus;

/// <summary>Metrics of the process and of the runtime, brought up to date before each export.</summary>
internal sealed class DotNetStats
{
    private readonly Lock gate = new();
    private readonly Process process = Process.GetCurrentProcess();
    private readonly Counter.Child[] collections;
    private readonly Counter cpuSeconds;
    private readonly Gauge workingSet, privateMemory, virtualMemory, openHandles, threads, totalMemory;

    private DotNetStats(MetricFactory metrics)
    {
        var collectionCount = metrics.CreateCounter("dotnet_collection_count_total", "GC collection count", "generation");
        collections = [.. Enumerable.Range(0, GC.MaxGeneration + 1).Select(generation => collectionCount.WithLabels($"{generation}"))];

        metrics.CreateGauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.")
            .SetToTimeUtc(process.StartTime.ToUniversalTime());
        cpuSeconds = metrics.CreateCounter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.");
        virtualMemory = metrics.CreateGauge("process_virtual_memory_bytes", "Virtual memory size in bytes.");
        workingSet = metrics.CreateGauge("process_working_set_bytes", "Process working set");
        privateMemory = metrics.CreateGauge("process_private_memory_bytes", "Process private memory size");
        openHandles = metrics.CreateGauge("process_open_handles", "Number of open handles");
        threads = metrics.CreateGauge("process_num_threads", "Total number of threads");
        totalMemory = metrics.CreateGauge("dotnet_total_memory_bytes", "Total known allocated memory");
    }

    public static void Register(MetricFactory metrics, CollectorRegistry registry) =>
        registry.AddBeforeCollectCallback(new DotNetStats(metrics).Update);

    private void Update()
    {
        lock (gate) // the process object is not made for two scrapes at once
        {
            process.Refresh();
            // The highest first: a collection in between counts for those below it too, and they are never behind it.
            for (var generation = collections.Length - 1; generation >= 0; generation--)
            {
                collections[generation].IncTo(GC.CollectionCount(generation));
            }
            cpuSeconds.IncTo(process.TotalProcessorTime.TotalSeconds);
            virtualMemory.Set(process.VirtualMemorySize64);
            workingSet.Set(process.WorkingSet64);
            privateMemory.Set(process.PrivateMemorySize64);
            openHandles.Set(process.HandleCount);
            threads.Set(process.Threads.Count);
            // The runtime subtracts what threads have reserved and not yet used, and can end up below zero.
            totalMemory.Set(Math.Max(0, GC.GetTotalMemory(forceFullCollection: false)));
        }
    }
}
