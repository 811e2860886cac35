using VaeCluster.Protocol.V1;
using VaeCluster.Worker.Control;
using VaeCluster.Worker.Links;
using Generation = VaeCluster.Collectives.Generation;

namespace VaeCluster.Worker.Hosting;

/// <summary>
/// Peers that are lost. The coordinator hears of each, and answers the loss of a contributor with a halt; a round that no halt
/// will end is ended from here. Any thread may call.
/// </summary>
/// <param name="connection">To the coordinator.</param>
/// <param name="member">Null before the training and after it.</param>
/// <param name="interrupt">Ends the round in hand for a reason, and does something on the training thread then.</param>
/// <param name="stopping">The worker ends.</param>
internal sealed class PeerLosses(CoordinatorConnection connection, Func<Member?> member, Action<Action, string> interrupt, CancellationToken stopping)
{
    private static readonly TimeSpan HaltTime = TimeSpan.FromSeconds(2);

    private volatile PeerLoss? last;

    public void Add(PeerLoss loss)
    {
        last = loss;
        connection.Send(new WorkerMessage
        {
            PeerLost = new()
            {
                WorkerId = loss.WorkerId,
                Generation = new() { Term = loss.Generation.Term, Number = loss.Generation.Number },
                Reason = loss.Reason,
            },
        });
        if (IsSpareOf(loss.Generation)) _ = ComeBackLaterAsync(loss.Generation);
    }

    /// <summary>
    /// For who was asked to leave: no halt comes from a coordinator that is away, and others that were asked as well have left,
    /// and send nothing any more. The round is given up then, so that the state can be saved.
    /// </summary>
    public async Task EndRoundAloneAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            await Task.Delay(HaltTime, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (connection.IsConnected || last is not { } loss || member()?.Standing.Plan?.Generation != loss.Generation) continue;
            interrupt(() => { }, loss.Reason);
            return;
        }
    }

    /// <summary>Where no halt comes, it was this spare that was left behind.</summary>
    private async Task ComeBackLaterAsync(Generation generation)
    {
        await Task.Delay(HaltTime, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (IsSpareOf(generation) && !stopping.IsCancellationRequested) interrupt(() => member()?.CutOff(generation), "This spare is cut off.");
    }

    private bool IsSpareOf(Generation generation) =>
        member()?.Standing.Plan is { IsMember: true } plan && plan.Generation == generation && plan.Self.IsSpare;
}
