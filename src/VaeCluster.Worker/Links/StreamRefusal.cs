namespace VaeCluster.Worker.Links;

/// <summary>Why a whole stream was refused, before or in the middle of it.</summary>
public enum StreamRefusal
{
    /// <summary>It does not say who it is.</summary>
    Nameless,
    WrongRun,

    /// <summary>Of a plan that this member has left.</summary>
    StaleGeneration,

    /// <summary>Of a plan that this member was not told of in time.</summary>
    UnknownGeneration,

    /// <summary>Who it says it is has another rank in that plan, or none.</summary>
    WrongMember,

    /// <summary>There is one already from this member under this plan.</summary>
    Doubled,

    /// <summary>More streams wait for a plan than members can have.</summary>
    TooMany,

    /// <summary>One of its segments was refused.</summary>
    WrongSegment,

    /// <summary>One of its messages was no segment.</summary>
    Malformed,
}
