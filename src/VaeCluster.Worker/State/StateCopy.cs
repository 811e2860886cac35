using VaeCluster.Protocol.V1;
using VaeCluster.Worker.Links;

namespace VaeCluster.Worker.State;

/// <summary>
/// Copies the state from members that have it:
/// 1. ask all sources which state they can serve, and take the newest, so that each of them still can;
/// 2. deal ranges to the sources, one at a time to each, so that the faster one serves more;
/// 3. check each piece and put it in its place; what a source that failed still owed goes to another.
/// </summary>
/// <param name="layout">Of the state; the same in all members.</param>
/// <param name="dialer">How sources are reached.</param>
/// <param name="options">Null for the defaults.</param>
public sealed class StateCopy(StateLayout layout, PeerDialer dialer, StateOptions? options = null)
{
    private readonly StateOptions options = options ?? new StateOptions();

    /// <param name="run">The run's id.</param>
    /// <param name="generation">The plan in which both are members.</param>
    /// <param name="completedSteps">Which state; null for the next that the sources reach under this plan.</param>
    /// <param name="sources">At least one; more than two are of no use, but are asked when one fails.</param>
    /// <param name="progress">Told the share that is here, 0 to 1; on any thread.</param>
    /// <param name="cancellationToken">Ends it with an OperationCanceledException.</param>
    public async Task<StateCopyResult> RunAsync(string run, Collectives.Generation generation, long? completedSteps, IReadOnlyList<PlanMember> sources,
        Action<double>? progress, CancellationToken cancellationToken)
    {
        if (sources.Count == 0) return new StateCopyResult(null, "There is no member to copy the state from.");
        var wanted = new FetchRequest { Run = run, Generation = new() { Term = generation.Term, Number = generation.Number } };
        if (completedSteps is { } steps) wanted.CompletedSteps = (ulong)steps;
        var fetches = sources.Select(source => new StateFetch(source, dialer, wanted, options)).ToList();
        StateSnapshot? snapshot = null;
        var whole = false;
        try
        {
            var described = await DescribeAsync(fetches, cancellationToken).ConfigureAwait(false);
            if (described is not { } newest) return Failed();
            wanted.CompletedSteps = newest;
            snapshot = new StateSnapshot(layout, (long)newest);
            var ranges = new StateRanges(layout.TotalBytes, options.RangeBytes, progress);
            await Task.WhenAll(fetches.Where(fetch => fetch.Failure is null).Select(fetch => fetch.RunAsync(snapshot, ranges, cancellationToken))).ConfigureAwait(false);
            whole = ranges.IsComplete;
            return whole ? new StateCopyResult(snapshot, Reasons()) : Failed();
        }
        finally
        {
            if (!whole) snapshot?.Dispose();
            foreach (var fetch in fetches) fetch.Dispose();
        }

        StateCopyResult Failed() => new(null, Reasons());
        string Reasons() => string.Join(" ", fetches.Where(fetch => fetch.Failure is not null).Select(fetch => $"{fetch.Source.WorkerId}: {fetch.Failure}"));
    }

    private async Task<ulong?> DescribeAsync(List<StateFetch> fetches, CancellationToken cancellationToken)
    {
        // Members are at most a step apart: when one has answered, the others soon do, or hang.
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var answers = fetches.Select(fetch => fetch.DescribeAsync(layout.TotalBytes, late.Token)).ToList();
        await foreach (var answer in Task.WhenEach(answers).ConfigureAwait(false))
        {
            if (await answer.ConfigureAwait(false) is not null) late.CancelAfter(options.Silence);
        }
        cancellationToken.ThrowIfCancellationRequested();
        return fetches.Max(fetch => fetch.Described);
    }
}
