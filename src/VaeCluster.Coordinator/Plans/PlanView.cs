using VaeCluster.Coordinator.Membership;

namespace VaeCluster.Coordinator.Plans;

/// <summary>What a decision looks at: the snapshot with the questions that all decisions ask of it.</summary>
internal sealed class PlanView
{
    private readonly HashSet<string> alive;

    public PlanView(RunSnapshot run, TimeSpan now, PlanOptions plans, LeaseOptions lease)
    {
        (Run, Now, Plans, Lease) = (run, now, plans, lease);
        Alive = [.. run.Workers.Values.Where(worker => Liveness.WhyNot(run, worker, now, lease) is null)];
        alive = [.. Alive.Select(worker => worker.Id)];
    }

    public RunSnapshot Run { get; }

    public TimeSpan Now { get; }

    public PlanOptions Plans { get; }

    public LeaseOptions Lease { get; }

    public IReadOnlyList<WorkerSnapshot> Alive { get; }

    /// <summary>Who can be in a new plan.</summary>
    public IEnumerable<WorkerSnapshot> Plannable => Alive.Where(worker => worker is { IsReady: true, IsLeaving: false });

    public bool IsAlive(string worker) => alive.Contains(worker);

    public string? WhyNot(string worker) => Liveness.WhyNot(Run, worker, Now, Lease);
}
