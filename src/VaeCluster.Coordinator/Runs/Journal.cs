using System.Threading.Channels;

namespace VaeCluster.Coordinator.Runs;

/// <summary>
/// Appends entries to this term's file and tells when they are on disk. What waits is written and flushed together, at
/// most ten times a second. With a local folder, what is on disk is copied to the run's folder as files of their own,
/// which never change, when asked to.
/// </summary>
public sealed class Journal : IAsyncDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);

    private readonly Channel<JournalEntry?> entries = Channel.CreateUnbounded<JournalEntry?>(new() { SingleReader = true });
    private readonly FileStream file;
    private readonly string? storage;
    private readonly ulong term;
    private readonly Func<ulong, ValueTask> recorded;
    private readonly TimeProvider clock;
    private long copied;

    /// <param name="folder">Of the file that is appended to.</param>
    /// <param name="storage">Where copies go; null where the folder itself is on the storage.</param>
    /// <param name="term">Of the coordinator; each has its own file.</param>
    /// <param name="recorded">Called with the step before which all given steps are on disk.</param>
    /// <param name="clock">The time.</param>
    public Journal(string folder, string? storage, ulong term, Func<ulong, ValueTask> recorded, TimeProvider clock)
    {
        (this.storage, this.term, this.recorded, this.clock) = (storage, term, recorded, clock);
        Directory.CreateDirectory(folder);
        if (storage is not null) Directory.CreateDirectory(storage);
        file = new FileStream(Path.Combine(folder, $"journal-{term:D6}.jsonl"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read);
        Completion = Task.Run(WriteAsync);
    }

    /// <summary>Ends when the journal is disposed; fails when it can't be written.</summary>
    public Task Completion { get; }

    public void Append(JournalEntry entry) => entries.Writer.TryWrite(entry);

    /// <summary>Copies what was appended before.</summary>
    public void Copy() => entries.Writer.TryWrite(null);

    /// <summary>Everything is written, and copied, when this ends.</summary>
    public async ValueTask DisposeAsync()
    {
        Copy();
        entries.Writer.TryComplete();
        await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await file.DisposeAsync().ConfigureAwait(false);
    }

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
            if (batch.Length > 0)
            {
                await file.WriteAsync(batch.GetBuffer().AsMemory(0, (int)batch.Length)).ConfigureAwait(false);
                file.Flush(flushToDisk: true);
            }
            if (next is { } before) await recorded(before).ConfigureAwait(false);
            if (copy && storage is not null)
            {
                // One at a time; a slow storage holds up the next copy only.
                await copying.ConfigureAwait(false);
                copying = CopyAsync(copied, file.Length);
                copied = file.Length;
            }
            if (!reader.Completion.IsCompleted) await Task.Delay(Pace, clock).ConfigureAwait(false);
        }
        await copying.ConfigureAwait(false);
    }

    private async Task CopyAsync(long start, long end)
    {
        if (start == end) return;
        await Task.Yield();
        var path = Path.Combine(storage!, $"journal-{term:D6}.{start:D12}.jsonl");
        var temporary = path + ".tmp";
        await using (var target = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            var buffer = new byte[1 << 20];
            for (var offset = start; offset < end;)
            {
                var count = await RandomAccess.ReadAsync(file.SafeFileHandle, buffer.AsMemory(0, (int)Math.Min(buffer.Length, end - offset)), offset)
                    .ConfigureAwait(false);
                await target.WriteAsync(buffer.AsMemory(0, count)).ConfigureAwait(false);
                offset += count;
            }
            target.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
    }
}
