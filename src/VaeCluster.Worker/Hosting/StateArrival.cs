using Microsoft.Extensions.Logging;
using VaeCluster.Worker.Links;
using VaeCluster.Worker.State;

namespace VaeCluster.Worker.Hosting;

/// <summary>The copy of the state from other members: in the background, while the training thread hears on. The training thread's.</summary>
/// <param name="run">The run's name.</param>
/// <param name="layout">Of the state.</param>
/// <param name="dialer">To the members.</param>
/// <param name="mailbox">Of the training thread.</param>
/// <param name="logger">Told of failures, once each.</param>
internal sealed class StateArrival(string run, StateLayout layout, PeerDialer dialer, Mailbox mailbox, ILogger logger) : IDisposable
{
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(200);

    private CancellationTokenSource? copying;
    private string failure = "";
    private double share;

    public bool IsUnderWay => copying is not null;

    /// <summary>Share of the state copied, 0 to 1. Any thread may ask.</summary>
    public double Share => Volatile.Read(ref share);

    /// <summary>Gives up what is under way, and copies from the sources that a plan names.</summary>
    /// <param name="plan">This worker's.</param>
    /// <param name="steps">The state after so many steps; null for whatever a source holds.</param>
    /// <param name="arrived">Called on the training thread, unless it was given up: with the state, which is the receiver's to dispose, or with null where nobody gave it.</param>
    public void Begin(MemberPlan plan, long? steps, Action<StateSnapshot?> arrived)
    {
        Cancel();
        var mine = copying = new CancellationTokenSource();
        Volatile.Write(ref share, 0);
        var token = mine.Token;
        var sources = plan.Sources.Where(rank => rank != plan.Rank).Select(rank => plan.Members[rank]).ToList();
        var copy = new StateCopy(layout, dialer);
        _ = Task.Run(async () =>
        {
            try
            {
                var result = await copy.RunAsync(run, plan.Generation, steps, sources, copied => Volatile.Write(ref share, copied), token).ConfigureAwait(false);
                if (!result.Succeeded) await Task.Delay(Retry, token).ConfigureAwait(false);
                mailbox.Post(() => Arrived(mine, result, arrived));
            }
            catch (OperationCanceledException)
            {
                // Another plan has come.
            }
        }, CancellationToken.None);
    }

    public void Cancel()
    {
        copying?.Cancel();
        copying = null;
    }

    public void Dispose() => Cancel();

    private void Arrived(CancellationTokenSource mine, StateCopyResult result, Action<StateSnapshot?> arrived)
    {
        if (copying != mine)
        {
            result.Snapshot?.Dispose();
            return;
        }
        copying = null;
        if (!result.Succeeded && failure != result.Reason) HostingLog.CopyFailed(logger, failure = result.Reason);
        arrived(result.Snapshot);
    }
}
