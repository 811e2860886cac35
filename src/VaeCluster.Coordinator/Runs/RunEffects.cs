using System.Collections.Immutable;
using VaeCluster.Coordinator.Membership;
using VaeCluster.Coordinator.Plans;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Runs;

/// <summary>What the run's loop lets out: decided without I/O, carried out by the host.</summary>
public abstract record RunEffect
{
    public sealed record Send(long Stream, Wire.CoordinatorMessage Message) : RunEffect;

    /// <summary>Ends a stream, after what was sent before.</summary>
    public sealed record Close(long Stream) : RunEffect;

    public sealed record Append(JournalEntry Entry) : RunEffect;

    /// <summary>A step's record was new.</summary>
    public sealed record StepDone(Wire.StepRecord Record) : RunEffect;

    /// <summary>The journal goes to the storage, up to here.</summary>
    public sealed record CopyJournal : RunEffect;

    public sealed record StoreFingerprint(ImmutableSortedDictionary<string, string> Fingerprint) : RunEffect;

    /// <summary>Something a peer asked for or told was not taken.</summary>
    public sealed record Refused(Refusal What, string Reason) : RunEffect;

    /// <summary>A plan came into force, or was announced.</summary>
    public sealed record Planned(Plan Plan, bool InForce) : RunEffect;

    /// <summary>A worker's way in, out, or back.</summary>
    public sealed record WorkerChanged(string Worker, string What, bool IsLoss) : RunEffect;

    /// <summary>A worker knows a newer term. It decides nothing; the storage does.</summary>
    public sealed record NewerTermTold(ulong Term) : RunEffect;
}

/// <summary>What was refused: the label of the metric.</summary>
public enum Refusal
{
    Token,
    Rate,
    Form,
    Hello,
    Fingerprint,
    Run,
    Full,
    Duplicate,
    Stale,
    Step,
    SlowReader,
}

/// <summary>Collects effects in order.</summary>
internal sealed class RunEffects(string run, ulong term)
{
    private readonly List<RunEffect> effects = [];

    public IReadOnlyList<RunEffect> Take()
    {
        var taken = effects.ToArray();
        effects.Clear();
        return taken;
    }

    public void Add(RunEffect effect) => effects.Add(effect);

    /// <summary>To a worker, if it is connected.</summary>
    public void Send(WorkerSnapshot worker, Wire.CoordinatorMessage message)
    {
        if (worker.Stream is { } stream) effects.Add(new RunEffect.Send(stream, Envelope(message)));
    }

    /// <summary>One message to all that are connected.</summary>
    public void Broadcast(RunSnapshot snapshot, Wire.CoordinatorMessage message)
    {
        Envelope(message);
        foreach (var worker in snapshot.Workers.Values)
        {
            if (worker.Stream is { } stream) effects.Add(new RunEffect.Send(stream, message));
        }
    }

    /// <summary>Answers a Hello that is not taken.</summary>
    /// <param name="stream">The call.</param>
    /// <param name="what">For the count.</param>
    /// <param name="reason">What is wrong and what to do.</param>
    /// <param name="retryAfter">Null for never.</param>
    public void Refuse(long stream, Refusal what, string reason, TimeSpan? retryAfter = null)
    {
        effects.Add(new RunEffect.Refused(what, reason));
        effects.Add(new RunEffect.Send(stream, Envelope(new()
        {
            Refused = new() { Reason = reason, RetryAfterMs = (uint)(retryAfter?.TotalMilliseconds ?? 0) },
        })));
        effects.Add(new RunEffect.Close(stream));
    }

    private Wire.CoordinatorMessage Envelope(Wire.CoordinatorMessage message)
    {
        (message.Run, message.Term) = (run, term);
        return message;
    }
}
