using System.Collections.Immutable;
using static VaeCluster.Protocol.Health.HealthCheckResponse.Types;

namespace VaeCluster.Protocol.Health;

/// <summary>
/// Whether the server and each of its services serve. The empty name is the server as a whole, which serves from the
/// start. Changes wake everyone who watches.
/// </summary>
public sealed class ServiceHealth
{
    /// <summary>Whether the process is where its work can begin: what a readiness probe asks for. Unknown: as the server as a whole.</summary>
    public const string Ready = "ready";

    private readonly Lock gate = new();
    private Snapshot current = new(ImmutableDictionary<string, ServingStatus>.Empty.Add("", ServingStatus.Serving));

    /// <summary>Sets a service's status; a new name makes the service known.</summary>
    public void Set(string service, bool serving)
    {
        ArgumentNullException.ThrowIfNull(service);
        Snapshot before;
        lock (gate)
        {
            before = current;
            current = new Snapshot(before.Statuses.SetItem(service, serving ? ServingStatus.Serving : ServingStatus.NotServing));
        }
        before.MarkChanged();
    }

    /// <summary>Whether a service serves; the empty name is the server as a whole.</summary>
    public bool IsServing(string service = "") => Current.Statuses.GetValueOrDefault(service) == ServingStatus.Serving;

    /// <summary>Whether it serves, and is ready.</summary>
    public bool IsReady => IsServing() && Current.Statuses.GetValueOrDefault(Ready, ServingStatus.Serving) == ServingStatus.Serving;

    /// <summary>The statuses now, with a task that ends when they are no longer these.</summary>
    internal Snapshot Current
    {
        get { lock (gate) return current; }
    }

    internal sealed class Snapshot(ImmutableDictionary<string, ServingStatus> statuses)
    {
        private readonly TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ImmutableDictionary<string, ServingStatus> Statuses { get; } = statuses;

        public Task Changed => changed.Task;

        public void MarkChanged() => changed.SetResult();
    }
}
