namespace VaeCluster.Config.Runs;

/// <summary>
/// A file that grows at its end. What can't be written, because the disk is full or away, waits in memory and follows when it
/// can: only what waits is lost with the process. Not for several threads.
/// </summary>
public sealed class GrowingFile : IDisposable
{
    /// <summary>Between two tries.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly FileStream file;
    private readonly TimeProvider clock;
    private readonly MemoryStream waiting = new();
    private long tried;

    /// <param name="path">Of a file that is made, or appended to.</param>
    /// <param name="mode">As a stream takes it.</param>
    /// <param name="clock">The time.</param>
    public GrowingFile(string path, FileMode mode, TimeProvider? clock = null)
    {
        this.clock = clock ?? TimeProvider.System;
        file = new FileStream(path, mode, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        Length = file.Length;
    }

    /// <summary>Bytes that are in the file.</summary>
    public long Length { get; private set; }

    /// <summary>Why something waits; null where all is written.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Writes it, behind what waits.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        waiting.Write(bytes);
        if (Failure is null || clock.GetElapsedTime(tried) >= Pause) TryWrite();
    }

    /// <summary>Writes what waits, if it can be written now.</summary>
    /// <param name="flushToDisk">Wait until the disk has it.</param>
    /// <returns>Nothing waits any more.</returns>
    public bool TryWrite(bool flushToDisk = false)
    {
        tried = clock.GetTimestamp();
        try
        {
            // A try that failed halfway is written over by the next one.
            RandomAccess.Write(file.SafeFileHandle, waiting.GetBuffer().AsSpan(0, (int)waiting.Length), Length);
            if (flushToDisk) RandomAccess.FlushToDisk(file.SafeFileHandle);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Failure = exception;
            return false;
        }
        Length += waiting.Length;
        waiting.SetLength(0);
        Failure = null;
        return true;
    }

    /// <summary>Writes what waits, or says why it can't.</summary>
    /// <exception cref="IOException">It can't.</exception>
    public void Complete()
    {
        if (!TryWrite()) throw new IOException(Failure!.Message, Failure.HResult);
    }

    /// <summary>Reads what is in the file.</summary>
    /// <param name="start">The first byte.</param>
    /// <param name="end">The one after the last, at most <see cref="Length"/>.</param>
    /// <param name="target">Where it goes.</param>
    /// <exception cref="EndOfStreamException">Somebody has cut the file off.</exception>
    public async Task CopyAsync(long start, long end, Stream target)
    {
        ArgumentNullException.ThrowIfNull(target);
        var buffer = new byte[1 << 20];
        while (start < end)
        {
            var count = await RandomAccess.ReadAsync(file.SafeFileHandle, buffer.AsMemory(0, (int)Math.Min(buffer.Length, end - start)), start).ConfigureAwait(false);
            if (count == 0) throw new EndOfStreamException($"{file.Name} has {start} bytes, where {end} were written.");
            await target.WriteAsync(buffer.AsMemory(0, count)).ConfigureAwait(false);
            start += count;
        }
    }

    public void Dispose()
    {
        TryWrite();
        file.Dispose();
    }
}
