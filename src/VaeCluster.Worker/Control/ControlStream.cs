namespace VaeCluster.Worker.Control;

/// <summary>One stream's clock: when a heartbeat is due, whether they are answered, and a bell for who writes.</summary>
internal sealed class ControlStream : IDisposable
{
    private readonly TimeProvider time;
    private readonly SemaphoreSlim bell = new(0);
    private readonly Lock gate = new();
    private readonly ITimer timer;
    private TimeSpan interval;
    private bool beat = true;
    private ulong sent;
    private ulong heard;
    private long lastHeard;
    private bool rung;
    private bool disposed;

    public ControlStream(TimeSpan interval, TimeProvider time)
    {
        (this.time, this.interval) = (time, AtLeast(interval));
        lastHeard = time.GetTimestamp();
        timer = time.CreateTimer(_ => Beat(), null, this.interval, this.interval);
    }

    /// <summary>Why the stream was given up; null when it was not.</summary>
    public string? Silence { get; private set; }

    /// <summary>There is something to write.</summary>
    public void Wake()
    {
        lock (gate)
        {
            if (rung || disposed) return;
            rung = true;
            bell.Release();
        }
    }

    /// <summary>A heartbeat is due.</summary>
    public void Beat()
    {
        lock (gate) beat = true;
        Wake();
    }

    public bool TakeBeat()
    {
        lock (gate) return beat && !(beat = false);
    }

    public void Sent(ulong sequence)
    {
        lock (gate) sent = sequence;
    }

    public void Heard(ulong sequence, TimeSpan newInterval)
    {
        lock (gate)
        {
            heard = Math.Max(heard, sequence);
            lastHeard = time.GetTimestamp();
            newInterval = AtLeast(newInterval);
            if (newInterval == interval || disposed) return;
            interval = newInterval;
            timer.Change(interval, interval);
        }
    }

    /// <summary>Whether heartbeats have gone unanswered for too long.</summary>
    public bool IsSilent(ConnectionOptions options)
    {
        lock (gate)
        {
            var silent = time.GetElapsedTime(lastHeard);
            if (sent == heard || silent < options.LeastSilence || silent < interval * options.MissedHeartbeats) return false;
            Silence = $"It has not answered a heartbeat for {silent.TotalSeconds:F1} s.";
            return true;
        }
    }

    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        await bell.WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (gate) rung = false;
    }

    public void Dispose()
    {
        lock (gate) disposed = true;
        timer.Dispose();
    }

    /// <summary>A coordinator that names none gets one a second.</summary>
    private static TimeSpan AtLeast(TimeSpan interval) =>
        interval <= TimeSpan.Zero ? TimeSpan.FromSeconds(1) : interval < TimeSpan.FromMilliseconds(10) ? TimeSpan.FromMilliseconds(10) : interval;
}
