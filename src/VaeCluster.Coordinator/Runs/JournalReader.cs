namespace VaeCluster.Coordinator.Runs;

/// <summary>Reads a journal's files in the order in which they were written.</summary>
public static class JournalReader
{
    /// <summary>
    /// The entries. A last line that was torn when its coordinator was killed is left out: it was never acknowledged.
    /// </summary>
    /// <param name="folder">With journal-*.jsonl.</param>
    /// <param name="broken">Called with a sentence for each other line that can't be read.</param>
    public static IEnumerable<JournalEntry> Read(string folder, Action<string>? broken = null)
    {
        if (!Directory.Exists(folder)) yield break;
        // journal-TERM.OFFSET.jsonl are copies in pieces, journal-TERM.jsonl is a whole file.
        foreach (var path in Directory.EnumerateFiles(folder, "journal-*.jsonl").Order(StringComparer.Ordinal))
        {
            // Of the coordinator that still writes, as much as there is.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(file);
            string? unread = null;
            for (var number = 1; reader.ReadLine() is { } line; number++)
            {
                if (unread is not null) broken?.Invoke(unread);
                var entry = JournalLine.TryRead(line);
                unread = entry is null ? $"{Path.GetFileName(path)}, line {number}: is broken." : null;
                if (entry is not null) yield return entry;
            }
        }
    }

    /// <summary>Of the last term that has a file; 0 where there is none.</summary>
    public static ulong NewestTerm(string folder) => !Directory.Exists(folder) ? 0 : Directory.EnumerateFiles(folder, "journal-*.jsonl")
        .Select(path => ulong.TryParse(Path.GetFileName(path)["journal-".Length..].Split('.')[0], out var term) ? term : 0).DefaultIfEmpty().Max();

    /// <summary>The step after the last one recorded; null where there is none.</summary>
    public static ulong? NextStep(string folder) => Read(folder).OfType<StepEntry>().LastOrDefault()?.Step + 1;
}
