using VaeCluster.Protocol.V1;

namespace VaeCluster.Worker.Hosting;

internal enum MemberEndKind
{
    /// <summary>The last step is done and recorded.</summary>
    Completed,

    /// <summary>Asked to leave, and gone.</summary>
    Left,

    /// <summary>This worker, or the run, can't go on.</summary>
    Failed,
}

/// <param name="Kind">How.</param>
/// <param name="Reason">One sentence.</param>
internal sealed record MemberEnd(MemberEndKind Kind, string Reason)
{
    /// <summary>What this worker failed by; null where the run did.</summary>
    public Exception? Exception { get; init; }

    public static MemberEnd Of(Finish finish) => new(finish.Kind switch
    {
        Finish.Types.Kind.Completed => MemberEndKind.Completed,
        Finish.Types.Kind.Stopped => MemberEndKind.Left,
        _ => MemberEndKind.Failed,
    }, finish.Reason);
}
