using System.Diagnostics;
using System.Runtime.Loader;

namespace Prometheus.Tests;

public sealed class DefaultMetricsTests
{
    [Fact]
    public async Task DefaultRegistry_Exported_HasProcessAndRuntime()
    {
        var export = await Metrics.DefaultRegistry.ExportAsync();

        using var process = Process.GetCurrentProcess();
        var started = new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds() / 1000.0;
        Assert.Equal(started, export.ValueOf("process_start_time_seconds"), tolerance: 1);
        Assert.InRange(export.ValueOf("process_cpu_seconds_total"), 0.01, process.TotalProcessorTime.TotalSeconds);
        Assert.InRange(export.ValueOf("process_working_set_bytes"), 1e6, 1e12);
        Assert.InRange(export.ValueOf("process_private_memory_bytes"), 1e6, 1e13);
        Assert.InRange(export.ValueOf("process_virtual_memory_bytes"), 1e6, 1e15);
        Assert.InRange(export.ValueOf("process_open_handles"), 3, 1e6);
        Assert.InRange(export.ValueOf("process_num_threads"), 2, 1e5);
        Assert.InRange(export.ValueOf("dotnet_total_memory_bytes"), 0, 1e12);
        Assert.Contains("# TYPE process_cpu_seconds_total counter\n", export);
        Assert.Contains("# TYPE dotnet_collection_count_total counter\n", export);
    }

    [Fact]
    public async Task DefaultRegistry_AfterACollection_CountsItByGeneration()
    {
        GC.Collect(2);
        var before = (await Metrics.DefaultRegistry.ExportAsync()).ValueOf("dotnet_collection_count_total{generation=\"2\"}");
        GC.Collect(2);
        var export = await Metrics.DefaultRegistry.ExportAsync();

        Assert.InRange(export.ValueOf("dotnet_collection_count_total{generation=\"2\"}"), before + 1, double.MaxValue);
        Assert.True(export.ValueOf("dotnet_collection_count_total{generation=\"0\"}") >= export.ValueOf("dotnet_collection_count_total{generation=\"1\"}"));
    }

    [Fact]
    public async Task DefaultRegistry_StaticMethods_RegisterThere()
    {
        Metrics.CreateCounter("default_events_total", "Events.", "a").WithLabels("x").Inc();
        Metrics.CreateGauge("default_level", "Level.").Set(2);
        Metrics.CreateHistogram("default_seconds", "Duration.").Observe(1);
        Metrics.WithLabels(new Dictionary<string, string> { ["b"] = "y" }).CreateGauge("default_level", "Level.").Set(3);

        var export = await Metrics.DefaultRegistry.ExportAsync();
        Assert.Equal(1, export.ValueOf("default_events_total{a=\"x\"}"));
        Assert.Equal(2, export.ValueOf("default_level"));
        Assert.Equal(3, export.ValueOf("default_level{b=\"y\"}"));
        Assert.Equal(1, export.ValueOf("default_seconds_count"));
    }

    [Fact]
    public async Task SuppressDefaultMetrics_BeforeTheFirstExport_LeavesNothing()
    {
        // A second copy of the assembly has a default registry of its own, which no other test has exported.
        var context = new AssemblyLoadContext(nameof(SuppressDefaultMetrics_BeforeTheFirstExport_LeavesNothing), isCollectible: true);
        try
        {
            var metrics = context.LoadFromAssemblyPath(typeof(Metrics).Assembly.Location).GetType(typeof(Metrics).FullName!)!;
            metrics.GetMethod(nameof(Metrics.SuppressDefaultMetrics), [])!.Invoke(null, null);
            var registry = metrics.GetProperty(nameof(Metrics.DefaultRegistry))!.GetValue(null)!;
            var export = registry.GetType().GetMethod(nameof(CollectorRegistry.CollectAndExportAsTextAsync), [typeof(Stream), typeof(CancellationToken)])!;

            using var stream = new MemoryStream();
            await (Task)export.Invoke(registry, [stream, TestContext.Current.CancellationToken])!;
            Assert.Equal(0, stream.Length);
        }
        finally
        {
            context.Unload();
        }
    }
}
