namespace VaeCluster.Worker.Control;

/// <summary>One stream's clock: when a heartbeat is due, whether they are answered, and a bell for who writes.</summary>
internal sealed class ControlStream : IDisposable
{
    private readonly ConnectionOptions options;
    private readonly TimeProvider time;
    private readonly Action end;
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

    /// <param name="interval">Between heartbeats, at first.</param>
    /// <param name="options">When a coordinator counts as silent.</param>
    /// <param name="time">The clock.</param>
    /// <param name="end">Ends the call: when heartbeats have gone unanswered for too long, or when told to. Not called after Dispose. Must not block.</param>
    public ControlStream(TimeSpan interval, ConnectionOptions options, TimeProvider time, Action end)
    {
        (this.options, this.time, this.end, this.interval) = (options, time, end, AtLeast(interval));
        lastHeard = time.GetTimestamp();
        timer = time.CreateTimer(_ => Tick(), null, this.interval, this.interval);
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

    /// <summary>Ends the call, for another.</summary>
    public void End()
    {
        lock (gate)
        {
            if (!disposed) end();
        }
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

    private void Tick()
    {
        lock (gate)
        {
            if (disposed) return;
            // Looked at here and not where messages are written: a coordinator that does not read holds that up, and then the
            // beat of an interval ago has not been taken either.
            var since = time.GetElapsedTime(lastHeard);
            if ((sent != heard || beat) && since >= options.LeastSilence && since >= interval * options.MissedHeartbeats)
            {
                Silence = $"It has not answered a heartbeat for {since.TotalSeconds:F1} s.";
                end();
                return;
            }
        }
        Beat();
    }

    /// <summary>A coordinator that names none gets one a second.</summary>
    private static TimeSpan AtLeast(TimeSpan interval) =>
        interval <= TimeSpan.Zero ? TimeSpan.FromSeconds(1) : interval < TimeSpan.FromMilliseconds(10) ? TimeSpan.FromMilliseconds(10) : interval;
}
