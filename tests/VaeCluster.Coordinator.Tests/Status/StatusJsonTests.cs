using System.Text.Json.Nodes;
using VaeCluster.Coordinator.Status;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Tests.Status;

public sealed class StatusJsonTests
{
    [Fact]
    public void ToJson_AllKindsOfFields_AreJsonsOwn()
    {
        var status = new RunStatus
        {
            Run = "run-1",
            CompletedSteps = 1UL << 53,
            Phase = RunStatus.Types.Phase.Running,
            Losses = new() { Loss = double.NaN, Kl = 1.5 },
            Refused = { ["token"] = 3, ["stale"] = 1 },
            Workers = { new WorkerStatus { WorkerId = "w1", Slow = true } },
        };

        var json = JsonNode.Parse(StatusView.ToJson(status))!;

        Assert.Equal(1UL << 53, (ulong)json["completed_steps"]!);
        Assert.Equal("running", (string?)json["phase"]);
        Assert.Null(json["losses"]!["loss"]);
        Assert.Equal(1.5, (double)json["losses"]!["kl"]!);
        Assert.Equal(["stale", "token"], json["refused"]!.AsObject().Select(entry => entry.Key));
        Assert.Equal(3, (int)json["refused"]!["token"]!);
        Assert.True((bool)json["workers"]![0]!["slow"]!);
        Assert.Null(json["checkpoint"]);
    }
}
