using VaeCluster.Coordinator.Membership;

namespace VaeCluster.Coordinator.Plans;

/// <summary>What a decision looks at: the snapshot with the questions that all decisions ask of it.</summary>
internal sealed class PlanView
{
    private readonly Dictionary<string, WorkerSnapshot> alive;

    public PlanView(RunSnapshot run, TimeSpan now, PlanOptions plans, LeaseOptions lease)
    {
        (Run, Now, Plans, Lease) = (run, now, plans, lease);
        Alive = [.. run.Workers.Values.Where(worker => Liveness.WhyNot(run, worker, now, lease) is null)];
        alive = Alive.ToDictionary(worker => worker.Id, StringComparer.Ordinal);
    }

    public RunSnapshot Run { get; }

    public TimeSpan Now { get; }

    public PlanOptions Plans { get; }

    public LeaseOptions Lease { get; }

    public IReadOnlyList<WorkerSnapshot> Alive { get; }

    /// <summary>Who can come into a plan. A member whose stream broke is given time; nobody plans with one that is only to come back.</summary>
    public IEnumerable<WorkerSnapshot> Plannable => Alive.Where(worker => worker is { IsReady: true, IsLeaving: false, Stream: not null });

    public bool IsAlive(string worker) => alive.ContainsKey(worker);

    /// <summary>Null for one that is not alive.</summary>
    public WorkerSnapshot? FindAlive(string worker) => alive.GetValueOrDefault(worker);

    public string? WhyNot(string worker) => Liveness.WhyNot(Run, worker, Now, Lease);
}
