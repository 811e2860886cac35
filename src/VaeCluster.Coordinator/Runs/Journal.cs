using System.Threading.Channels;
using VaeCluster.Config.Runs;

namespace VaeCluster.Coordinator.Runs;

/// <summary>
/// Appends entries to this term's file and tells when they are on disk. What waits is written and flushed together, at
/// most ten times a second. With a local folder, what is on disk is copied to the run's folder as files of their own,
/// which never change, when asked to. While the disk is full or away, entries wait in memory.
/// </summary>
public sealed class Journal : IAsyncDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);

    private readonly Channel<JournalEntry?> entries = Channel.CreateUnbounded<JournalEntry?>(new() { SingleReader = true });
    private readonly GrowingFile file;
    private readonly string? storage;
    private readonly ulong term;
    private readonly Func<ulong, ValueTask> recorded;
    private readonly Action<string> failed;
    private readonly TimeProvider clock;
    private volatile bool ending;

    /// <summary>Bytes of the file that the storage has.</summary>
    private long copied;

    /// <param name="folder">Of the file that is appended to.</param>
    /// <param name="storage">Where copies go; null where the folder itself is on the storage.</param>
    /// <param name="term">Of the coordinator; each has its own file.</param>
    /// <param name="recorded">Called with the step before which all given steps are on disk.</param>
    /// <param name="failed">Called with a sentence each time that the journal or its copy could not be written.</param>
    /// <param name="clock">The time.</param>
    public Journal(string folder, string? storage, ulong term, Func<ulong, ValueTask> recorded, Action<string> failed, TimeProvider clock)
    {
        (this.storage, this.term, this.recorded, this.failed, this.clock) = (storage, term, recorded, failed, clock);
        Directory.CreateDirectory(folder);
        if (storage is not null) Directory.CreateDirectory(storage);
        file = new GrowingFile(Path.Combine(folder, NameOf(term) + ".jsonl"), FileMode.CreateNew, clock);
        Completion = Task.Run(WriteAsync);
    }

    /// <summary>Ends when the journal is disposed.</summary>
    public Task Completion { get; }

    public void Append(JournalEntry entry) => entries.Writer.TryWrite(entry);

    /// <summary>Copies what was appended before.</summary>
    public void Copy() => entries.Writer.TryWrite(null);

    /// <summary>Everything that can be is written, and copied, when this ends.</summary>
    public async ValueTask DisposeAsync()
    {
        Copy();
        ending = true;
        entries.Writer.TryComplete();
        await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        file.Dispose();
    }

    /// <summary>What earlier terms' files have beyond the copies of them.</summary>
    /// <param name="folder">Where coordinators of this run write.</param>
    /// <param name="storage">Where copies go.</param>
    /// <param name="failed">Called with a sentence where one can't be copied.</param>
    public static async Task CopyEarlierAsync(string folder, string storage, Action<string> failed)
    {
        if (!Directory.Exists(folder)) return;
        foreach (var path in Directory.EnumerateFiles(folder, "journal-*.jsonl"))
        {
            try
            {
                Directory.CreateDirectory(storage);
                var name = Path.GetFileNameWithoutExtension(path);
                var copied = Directory.EnumerateFiles(storage, $"{name}.*.jsonl").Sum(piece => new FileInfo(piece).Length);
                await using var source = File.OpenRead(path);
                if (source.Length <= copied) continue;
                source.Position = copied;
                await WritePieceAsync(storage, name, copied, target => source.CopyToAsync(target)).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                failed($"{path} can't be copied: {exception.Message} The next coordinator tries again.");
            }
        }
    }

    private static string NameOf(ulong term) => $"journal-{term:D6}";

    private async Task WriteAsync()
    {
        var reader = entries.Reader;
        var copying = Task.CompletedTask;
        var batch = new MemoryStream();
        while (await reader.WaitToReadAsync().ConfigureAwait(false))
        {
            var (copy, next) = (false, (ulong?)null);
            batch.SetLength(0);
            while (reader.TryRead(out var entry))
            {
                copy |= entry is null;
                if (entry is not null) batch.Write(JournalLine.Write(entry));
                if (entry is StepEntry step) next = step.Step + 1;
            }
            file.Append(batch.GetBuffer().AsSpan(0, (int)batch.Length));
            while (!file.TryWrite(flushToDisk: true))
            {
                failed($"The journal can't be written: {file.Failure!.Message} Steps are not acknowledged until it can.");
                if (ending) break;
                await Task.Delay(GrowingFile.Pause, clock).ConfigureAwait(false);
            }
            if (file.Failure is null && next is { } before) await recorded(before).ConfigureAwait(false);
            if (copy && storage is not null)
            {
                // One at a time; a slow storage holds up the next copy only.
                await copying.ConfigureAwait(false);
                copying = CopyAsync(copied, file.Length);
            }
            if (!reader.Completion.IsCompleted) await Task.Delay(Pace, clock).ConfigureAwait(false);
        }
        await copying.ConfigureAwait(false);
    }

    private async Task CopyAsync(long start, long end)
    {
        if (start == end) return;
        await Task.Yield();
        try
        {
            await WritePieceAsync(storage!, NameOf(term), start, target => file.CopyAsync(start, end, target)).ConfigureAwait(false);
            copied = end;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            failed($"The journal can't be copied: {exception.Message} The next copy has this one in it.");
        }
    }

    /// <summary>Whole or not at all; it never changes.</summary>
    private static async Task WritePieceAsync(string storage, string name, long start, Func<Stream, Task> write)
    {
        var path = Path.Combine(storage, $"{name}.{start:D12}.jsonl");
        var temporary = path + ".tmp";
        await using (var target = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            await write(target).ConfigureAwait(false);
            target.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
    }
}
