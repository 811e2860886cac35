using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Runs;

/// <summary>What the run's loop takes in. A stream is one call of a worker; numbers are never used again.</summary>
public abstract record RunEvent
{
    /// <summary>First message of a stream.</summary>
    public sealed record HelloHeard(long Stream, Wire.WorkerMessage Message) : RunEvent;

    /// <summary>A later one, that keeps the rules of its form.</summary>
    public sealed record MessageHeard(long Stream, string Worker, Wire.WorkerMessage Message) : RunEvent;

    public sealed record StreamEnded(long Stream, string Worker) : RunEvent;

    /// <summary>The journal's steps before this one are on disk.</summary>
    public sealed record Recorded(ulong BeforeStep) : RunEvent;

    /// <summary>Time has passed.</summary>
    public sealed record Tick : RunEvent;

    /// <summary>The coordinator itself stood still for a time in which it could hear nobody.</summary>
    public sealed record Paused(TimeSpan Duration) : RunEvent;
}
