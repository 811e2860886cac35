using Spectre.Console;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Status;

/// <summary>
/// Asks again each second and shows what has come. A coordinator that is down for a while changes nothing about the run, so
/// the watch goes on without it, for a minute; it ends with the run.
/// </summary>
internal sealed class StatusWatch(CoordinatorAccess coordinator, IAnsiConsole console, TimeProvider clock)
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PlainEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private RunStatus? last;
    private long heard;
    private string? trouble;

    /// <summary>On a terminal: the same page, drawn anew.</summary>
    /// <exception cref="UserErrorException">The coordinator did not answer at first, or for a minute.</exception>
    public async Task LiveAsync(CancellationToken cancellation)
    {
        await AskAsync(cancellation).ConfigureAwait(false);
        await console.Live(Page).AutoClear(false).Overflow(VerticalOverflow.Crop).StartAsync(async display =>
        {
            while (!IsOver && await PauseAsync(Every, cancellation).ConfigureAwait(false))
            {
                await AskAsync(cancellation).ConfigureAwait(false);
                display.UpdateTarget(Page);
            }
        }).ConfigureAwait(false);
    }

    /// <summary>For a log: a block when the phase, the reason or the workers change, and every ten seconds.</summary>
    /// <inheritdoc cref="LiveAsync" path="/exception"/>
    public async Task PlainAsync(CancellationToken cancellation)
    {
        for (var (shown, at) = ((string?)null, 0L); ;)
        {
            await AskAsync(cancellation).ConfigureAwait(false);
            if (shown != Gist || clock.GetElapsedTime(at) >= PlainEvery)
            {
                (shown, at) = (Gist, clock.GetTimestamp());
                console.Write(Page);
                console.WriteLine();
            }
            if (IsOver || !await PauseAsync(Every, cancellation).ConfigureAwait(false)) return;
        }
    }

    private Spectre.Console.Rendering.IRenderable Page => StatusPage.Of(last!, trouble);

    /// <summary>What makes a new block worth reading.</summary>
    private string Gist => string.Join('\n', StatusPage.Remarks(last!).Where(line => !line.Contains("slow", StringComparison.Ordinal))
        .Prepend(trouble).Prepend(last!.Reason).Prepend(last.Plan?.Generation?.ToString()).Prepend(last.Phase.ToString()));

    /// <summary>A coordinator leaves when its run is done, perhaps between two questions.</summary>
    private bool IsOver => last!.Phase is RunStatus.Types.Phase.Completed or RunStatus.Types.Phase.Failed
        || (trouble is not null && last.TotalSteps > 0 && last.CompletedSteps >= last.TotalSteps);

    private async Task AskAsync(CancellationToken cancellation)
    {
        try
        {
            (last, trouble) = (await coordinator.GetStatusAsync(cancellation).ConfigureAwait(false), null);
            heard = clock.GetTimestamp();
        }
        catch (UserErrorException exception) when (last is not null && clock.GetElapsedTime(heard) < Patience)
        {
            trouble = $"As of {clock.GetElapsedTime(heard).TotalSeconds:0} s ago. {exception.Message}";
        }
    }

    /// <summary>False: the person has seen enough.</summary>
    private async Task<bool> PauseAsync(TimeSpan time, CancellationToken cancellation)
    {
        await Task.Delay(time, clock, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !cancellation.IsCancellationRequested;
    }
}
