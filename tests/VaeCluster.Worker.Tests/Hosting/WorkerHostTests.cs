using VaeCluster.Worker.Hosting;

namespace VaeCluster.Worker.Tests.Hosting;

public sealed class WorkerHostTests
{
    [Fact]
    public async Task Dispose_Twice_WaitsForTheSameEnd()
    {
        var host = new WorkerHost(new WorkerOptions { Coordinator = "http://127.0.0.1:1" }, _ => { });

        var first = host.DisposeAsync().AsTask();
        await Deadline.For(Task.WhenAll(first, host.DisposeAsync().AsTask()), "the end that both calls wait for");
        await host.DisposeAsync();
    }
}
