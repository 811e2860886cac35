using VaeCluster.Coordinator.Membership;
using VaeCluster.Coordinator.Plans;

namespace VaeCluster.Coordinator.Runs;

/// <summary>
/// The coordinator without clock and I/O: an event and the time go in, the snapshot changes, effects come out. One thread
/// calls it.
/// <list type="number">
/// <item>The event changes what is known (<see cref="Arrivals"/>, <see cref="Messages"/>).</item>
/// <item>The decision on that, a pure function (<see cref="PlanDecider"/>), is carried out (<see cref="Actions"/>), and
/// asked again, until there is nothing to do.</item>
/// </list>
/// </summary>
public sealed class RunMachine
{
    /// <summary>More actions for one event than any sequence of decisions has; a worker more or less is one each.</summary>
    private const int MostActions = 10_000;

    private readonly CoordinatorOptions options;
    private readonly RunEffects effects;
    private bool undecided;

    public RunMachine(RunSnapshot start, CoordinatorOptions options)
    {
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(options);
        (Run, this.options) = (start, options);
        effects = new RunEffects(start.Run, start.Term);
    }

    public RunSnapshot Run { get; private set; }

    /// <summary>Why what is done is done, or nothing is.</summary>
    public string Reason { get; private set; } = "";

    /// <param name="happened">The event.</param>
    /// <param name="now">The time.</param>
    /// <param name="moreFollows">Others have happened already: what to do is decided after the last of them.</param>
    public IReadOnlyList<RunEffect> Handle(RunEvent happened, TimeSpan now, bool moreFollows = false)
    {
        // 1. What is known.
        var plan = Run.Plan;
        Run = happened switch
        {
            RunEvent.HelloHeard hello => Arrivals.Hear(Run, hello, now, options, effects),
            RunEvent.MessageHeard message => Messages.Hear(Run, message, now, options, effects),
            RunEvent.StreamEnded ended => Arrivals.End(Run, ended, now),
            RunEvent.Recorded recorded => Records.Recorded(Run, recorded.BeforeStep, effects),
            RunEvent.Paused paused => Arrivals.Allow(Run, paused.Duration),
            _ => Arrivals.Forget(Run, now, options.Lease),
        };
        // Heartbeats are most of what is heard; unless one tells that a plan is in force, its news can wait for the tick.
        var waits = happened is RunEvent.MessageHeard { Message.Heartbeat: not null } && ReferenceEquals(plan, Run.Plan);
        // One of a thousand answers to a halt decides nothing: the last one does, or the tick where an answer stays out.
        waits |= happened is RunEvent.MessageHeard { Message.Halted: not null } && Run.Halt is { } halt && halt.Answers.Count < halt.Asked.Length;
        undecided |= !waits;
        if (!undecided || moreFollows) return effects.Take();

        // 2. What to do about it.
        undecided = false;
        for (var actions = 0; actions < MostActions; actions++)
        {
            var decision = PlanDecider.Decide(Run, now, options.Plans, options.Lease);
            Reason = decision.Reason;
            if (decision.Action is null) return effects.Take();
            Run = Actions.Apply(Run, decision.Action, decision.Reason, now, options, effects);
        }
        throw new InvalidOperationException($"The decisions do not come to rest: {Reason}");
    }
}
