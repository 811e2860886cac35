namespace VaeCluster.Collectives;

public enum ExchangeStatus
{
    /// <summary>The time to wait is over, the step is not.</summary>
    Running,
    Completed,

    /// <summary>Given up; nothing outside the exchange has changed.</summary>
    Ended,
}

/// <summary>What became of a step, or of a bucket of it.</summary>
/// <param name="Status">What became of it.</param>
/// <param name="LowestHeld">
/// When the whole step completed: the lowest over its contributors of the newest generation each held when it began, the
/// same in all members. A plan that all held takes effect with the next step.
/// </param>
/// <param name="Reason">Why it ended, for the log.</param>
public readonly record struct ExchangeOutcome(ExchangeStatus Status, Generation LowestHeld, string? Reason);
