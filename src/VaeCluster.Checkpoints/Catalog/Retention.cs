namespace VaeCluster.Checkpoints;

/// <summary>What stays and what goes. A damaged record is removed once a readable checkpoint is newer.</summary>
public sealed record RetentionDecision(IReadOnlyList<CheckpointEntry> Keep, IReadOnlyList<CheckpointEntry> Remove);

/// <summary>What a prune did, or why it did nothing.</summary>
public sealed record PruneReport(IReadOnlyList<string> Removed, string? Warning);

/// <summary>Which checkpoints stay: the last k, the best k by validation loss, the first of each span of n steps.</summary>
public static class Retention
{
    /// <param name="newestFirst">As the catalog lists them.</param>
    /// <param name="options">The numbers.</param>
    /// <param name="latest">The one that `latest` names stays in any case.</param>
    public static RetentionDecision Decide(IReadOnlyList<CheckpointEntry> newestFirst, CheckpointOptions options, string? latest)
    {
        var readable = newestFirst.Where(entry => entry.Record is not null).ToList();
        var keep = new HashSet<string>(readable.Take(options.KeepLast).Select(entry => entry.Name));
        keep.UnionWith(CheckpointEntry.BestFirst(readable).Take(options.KeepBest).Select(entry => entry.Name));
        if (options.KeepEvery > 0)
        {
            // By the step alone, so that the same ones stay whoever prunes, and however often.
            keep.UnionWith(readable.Where(entry => entry.Step >= options.KeepEvery)
                .GroupBy(entry => entry.Step / options.KeepEvery)
                .Select(span => span.MinBy(entry => entry.Step)!.Name));
        }
        if (latest is not null) keep.Add(latest);
        var newest = readable.Count == 0 ? -1 : readable.Max(entry => entry.Step);
        keep.UnionWith(newestFirst.Where(entry => entry.Record is null && entry.Step >= newest).Select(entry => entry.Name));
        return new RetentionDecision(
            newestFirst.Where(entry => keep.Contains(entry.Name)).ToList(),
            newestFirst.Where(entry => !keep.Contains(entry.Name)).ToList());
    }
}
