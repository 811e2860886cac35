using Microsoft.Extensions.Logging;
using VaeCluster.Coordinator;
using VaeCluster.Coordinator.Runs;

namespace VaeCluster.Worker.Tests.Control;

/// <summary>The product's own coordinator, without its console.</summary>
internal static class RealCoordinator
{
    public const int Slots = 8;

    public static Task<CoordinatorHost> StartAsync(string folder, CoordinatorOptions options) => CoordinatorHost.StartAsync(options,
        new RunDescription(folder, "{}", Slots) { TotalSteps = 1000, ManifestId = "manifest-1" },
        logging => logging.ClearProviders(), Prometheus.Metrics.WithCustomRegistry(Prometheus.Metrics.NewCustomRegistry()), cancellationToken: TestContext.Current.CancellationToken);
}
