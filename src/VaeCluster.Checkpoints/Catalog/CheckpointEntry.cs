namespace VaeCluster.Checkpoints;

/// <summary>A checkpoint in the list: what it says about itself, or why it can't be read.</summary>
/// <param name="Name">Its folder.</param>
/// <param name="Record">checkpoint.json; null where that is missing or damaged.</param>
/// <param name="Problem">The file and what is wrong with it; null where nothing is known to be.</param>
public sealed record CheckpointEntry(string Name, CheckpointRecord? Record, string? Problem)
{
    /// <summary>Of the record, or of the name where the record can't be read.</summary>
    public long Step => Record?.Metadata.Step ?? CheckpointName.Parse(Name)?.Step ?? -1;

    public double? ValidationLoss => Record?.Metadata.ValidationLoss;

    /// <summary>
    /// Newest first: by the generation that wrote it, then by step. After a resume from an older checkpoint the lower steps
    /// of the higher generation are the newer ones. A writer that comes to the same bits as one before it leaves that one's
    /// checkpoint as it is and only lets `latest` name it: that counts as written by it. Unreadable ones come last.
    /// </summary>
    internal static IReadOnlyList<CheckpointEntry> NewestFirst(IEnumerable<CheckpointEntry> entries, LatestPointer? latest) => entries
        .OrderByDescending(entry => entry.Record is not null)
        .ThenByDescending(entry => WriterOf(entry, latest)?.Term)
        .ThenByDescending(entry => WriterOf(entry, latest)?.Number)
        .ThenByDescending(entry => entry.Step)
        .ThenByDescending(entry => CheckpointName.Parse(entry.Name)?.Copy)
        .ToList();

    /// <summary>Lowest validation loss first, the newer one of two equal ones; without those that have none.</summary>
    internal static IReadOnlyList<CheckpointEntry> BestFirst(IReadOnlyList<CheckpointEntry> newestFirst) =>
        newestFirst.Where(entry => entry.ValidationLoss is not null).OrderBy(entry => entry.ValidationLoss).ToList();

    private static CheckpointOwner? WriterOf(CheckpointEntry entry, LatestPointer? latest) =>
        entry.Record is null || entry.Name != latest?.Checkpoint ? entry.Record?.Metadata.Writer : latest.Writer;
}
