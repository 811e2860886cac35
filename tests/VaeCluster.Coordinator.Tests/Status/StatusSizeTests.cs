using System.Collections.Immutable;
using VaeCluster.Collectives;
using VaeCluster.Coordinator.Membership;
using VaeCluster.Coordinator.Plans;
using VaeCluster.Coordinator.Status;
using VaeCluster.Protocol.Segments;
using VaeCluster.Protocol.Transport;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Tests.Status;

public sealed class StatusSizeTests
{
    [Theory]
    [InlineData(1000)]
    [InlineData(5000)]
    public void Describe_ManyWorkersWithLongNames_FitsIntoWhatAClientTakes(int count)
    {
        var names = Enumerable.Range(0, count).Select(i => $"train-worker-with-a-name-of-sixty-four-letters-as-pods-have-{i:D4}").ToList();
        var heartbeat = new Wire.Heartbeat { SlotSeconds = 0.5, StepTime = new() { Whole = 1, Data = 0.1, Compute = 0.5, Exchange = 0.3, Update = 0.1 } };
        var generation = new PlanGeneration(1, 1);
        var run = new RunSnapshot
        {
            Run = "run-1",
            Term = 1,
            Slots = count,
            Workers = names.ToImmutableSortedDictionary(name => name, name => new WorkerSnapshot
            {
                Id = name,
                Instance = "1",
                Endpoint = EndpointOf(name),
                Host = name,
                ProcessId = 4_000_000,
                Arrival = 1,
                LastHeard = TimeSpan.Zero,
                Lease = Lease.At(TimeSpan.FromSeconds(1)),
                IsReady = true,
                CompletedSteps = 1_000_000,
                Heartbeat = heartbeat,
                SlotSeconds = heartbeat.SlotSeconds,
            }, StringComparer.Ordinal),
            Plan = new Plan
            {
                Generation = generation,
                FirstStep = 0,
                Slots = count,
                Members = [.. names.Select((name, i) => new PlanMember(name, EndpointOf(name), "01234567-89ab-cdef-0123-456789abcdef", new SlotRange(i, i + 1), CopiesState: false))],
                Writer = 0,
                Sources = [0],
                Cause = PlanCause.Start,
                Reason = "They are ready.",
            },
        };

        var status = StatusView.Describe(run, "Plan 1.1 stands.", TimeSpan.FromSeconds(100), new CoordinatorOptions(), new Dictionary<string, ulong>());

        Assert.Equal(count, status.Workers.Count);
        Assert.True(status.CalculateSize() < new TransportOptions().MaxMessageBytes, $"{status.CalculateSize()} bytes");
    }

    private static string EndpointOf(string name) => $"http://{name}.workers.namespace.svc.cluster.local:5001";
}
