using VaeCluster.Protocol.V1;
using VaeCluster.Worker.Control;
using VaeCluster.Worker.Training;
using Generation = VaeCluster.Collectives.Generation;

namespace VaeCluster.Worker.Hosting;

/// <summary>What a member tells the coordinator, beside heartbeats and records.</summary>
internal sealed class MemberReports(TrainingParts parts, CoordinatorConnection connection)
{
    private const int LongestReason = 500; // characters

    /// <summary>An error as one line, no longer than a message takes: libtorch's go on with the frames they came through.</summary>
    public static string Brief(string error)
    {
        var line = error.TrimStart();
        var end = line.AsSpan().IndexOfAny('\r', '\n');
        return line[..Math.Min(end < 0 ? line.Length : end, LongestReason)];
    }

    public void Ready(Standing standing) => connection.Send(new WorkerMessage { Ready = ReadyMessage(standing) });

    public Ready ReadyMessage(Standing standing)
    {
        var ready = new Ready { ManifestId = parts.Data.Manifest.Id, TotalSteps = (ulong)parts.State.TotalSteps };
        if (standing.CompletedSteps is { } steps) ready.CompletedSteps = (ulong)steps;
        foreach (var (name, value) in parts.Fingerprint) ready.Fingerprint.Add(name, value);
        return ready;
    }

    /// <param name="generation">Of the halt.</param>
    /// <param name="completedSteps">The state that is held; null for none.</param>
    public void Halted(Generation generation, long? completedSteps)
    {
        var halted = new Halted { Generation = new() { Term = generation.Term, Number = generation.Number } };
        if (completedSteps is { } steps) halted.CompletedSteps = (ulong)steps;
        connection.Send(new WorkerMessage { Halted = halted });
    }

    public void LeaveAsked(string reason) =>
        connection.Send(new WorkerMessage { Goodbye = new() { Kind = Goodbye.Types.Kind.LeaveAsked, Reason = reason } });

    /// <summary>The slot in hand failed. Whether another worker can compute it, the coordinator finds out.</summary>
    public void SlotFailed(string reason) => connection.Send(new WorkerMessage
    {
        SlotFailed = new()
        {
            Step = (ulong)parts.State.Step,
            Slot = (uint)parts.Step.CurrentSlot,
            Error = reason,
            EndsRun = parts.State.Skipped >= parts.Config.Train.SkipLimit,
        },
    });
}
