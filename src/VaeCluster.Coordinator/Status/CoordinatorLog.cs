using Microsoft.Extensions.Logging;
using VaeCluster.Coordinator.Plans;
using VaeCluster.Coordinator.Runs;

namespace VaeCluster.Coordinator.Status;

/// <summary>What the coordinator logs: changes, never steps or heartbeats.</summary>
internal sealed partial class CoordinatorLog(ILogger<CoordinatorLog> logger, TimeProvider clock)
{
    // Peers that are refused come in thousands; a line for each would be one more way to harm us.
    private readonly RateLimit refusals = new(perSecond: 1, burst: 20, clock);
    private readonly RateLimit failures = new(perSecond: 1.0 / 60, burst: 1, clock);

    public void Planned(Plan plan, bool inForce)
    {
        var (generation, contributors) = (plan.Generation.ToString(), plan.Contributors.Count());
        if (inForce) InForce(generation, plan.Members.Length, contributors, plan.Reason);
        else Announced(generation, plan.Members.Length, contributors, plan.Reason);
    }

    public void WorkerChanged(string worker, string what, bool isLoss)
    {
        if (isLoss) WorkerOut(worker, what);
        else Worker(worker, what);
    }

    public void Refused(Refusal what, string reason)
    {
        if (refusals.TryTake()) NotTaken(what, reason);
    }

    public void JournalFailed(string reason)
    {
        if (failures.TryTake()) NotWritten(reason);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {Run}, term {Term}, listens on {Address}")]
    public partial void Started(string run, ulong term, string address);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Reason}")]
    public partial void Reason(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The coordinator stood still for {Duration}; everyone gets that time")]
    public partial void Paused(TimeSpan duration);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The run's folder can't be read: {Reason}")]
    public partial void StorageUnreachable(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "What the first worker computes on could not be written down: {Reason} A later coordinator takes its first worker's.")]
    public partial void NoFingerprint(string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "{End}: {Reason}")]
    public partial void Ended(CoordinatorEnd end, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Completed: {Reason} The coordinator stays until it is told to end.")]
    public partial void Stays(string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Plan {Generation} is in force: {Members} members, {Contributors} with slots. {Reason}")]
    private partial void InForce(string generation, int members, int contributors, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Plan {Generation} is sent: {Members} members, {Contributors} with slots. {Reason}")]
    private partial void Announced(string generation, int members, int contributors, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "{WorkerId} {What}")]
    private partial void Worker(string workerId, string what);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Reason}")]
    private partial void NotWritten(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{WorkerId} {What}")]
    private partial void WorkerOut(string workerId, string what);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Refused ({What}): {Reason}")]
    private partial void NotTaken(Refusal what, string reason);
}
