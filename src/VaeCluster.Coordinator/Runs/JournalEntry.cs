using System.Text.Json;
using System.Text.Json.Serialization;

namespace VaeCluster.Coordinator.Runs;

/// <summary>One line of the journal.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(TermEntry), "term")]
[JsonDerivedType(typeof(PlanEntry), "plan")]
[JsonDerivedType(typeof(StepEntry), "step")]
[JsonDerivedType(typeof(CheckpointEntry), "checkpoint")]
[JsonDerivedType(typeof(FinishEntry), "finish")]
public abstract record JournalEntry
{
    internal static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        // A loss that is not finite is a fact worth keeping.
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };
}

/// <summary>A coordinator began. First line of each of its files.</summary>
public sealed record TermEntry(string Run, ulong Term, int Slots, string Host, DateTimeOffset Time) : JournalEntry;

/// <param name="Generation">term.number.</param>
/// <param name="FirstStep">Null for a planned change: the first step recorded under it tells.</param>
/// <param name="Members">In rank order.</param>
/// <param name="Cause">What made it necessary.</param>
/// <param name="Reason">The same, as a sentence.</param>
public sealed record PlanEntry(
    string Generation, ulong? FirstStep, IReadOnlyList<MemberEntry> Members, string Cause, string Reason) : JournalEntry;

/// <summary>A member's slots: [FirstSlot, FirstSlot + Slots).</summary>
public sealed record MemberEntry(string Worker, int FirstSlot, int Slots);

/// <summary>
/// A step that is done: which samples (positions [FirstPosition, FirstPosition + Samples) of the epoch's order), under
/// which plan (which says who computed them), with which result. The last line for a step counts.
/// </summary>
public sealed record StepEntry(
    ulong Step, string Generation, ulong Epoch, ulong FirstPosition, uint Samples, double Loss, double Reconstruction, double Kl,
    double GradientNorm, bool Skipped, string? StateSha256) : JournalEntry;

public sealed record CheckpointEntry(ulong CompletedSteps, string Path) : JournalEntry;

public sealed record FinishEntry(string End, string Reason) : JournalEntry;
