namespace VaeCluster.Progress;

/// <summary>How fast a run goes at the moment, over its last steps.</summary>
internal sealed class Pace
{
    private const int Window = 50; // steps

    private readonly Queue<(long Samples, TimeSpan Duration)> _steps = new();
    private TimeSpan _time;
    private long _samples;

    public double ImagesPerSecond => _time > TimeSpan.Zero ? _samples / _time.TotalSeconds : 0;

    public void Add(long samples, TimeSpan duration)
    {
        _steps.Enqueue((samples, duration));
        _samples += samples;
        _time += duration;
        if (_steps.Count <= Window) return;
        var (oldSamples, oldDuration) = _steps.Dequeue();
        _samples -= oldSamples;
        _time -= oldDuration;
    }

    /// <summary>For steps to come, at the present pace.</summary>
    public TimeSpan Left(long steps) => _steps.Count == 0 ? TimeSpan.Zero : steps * (_time / _steps.Count);
}
