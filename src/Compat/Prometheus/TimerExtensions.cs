using System.Diagnostics;

namespace Prometheus;

/// <summary>Runs from its making; disposing it observes the duration.</summary>
public interface ITimer : IDisposable
{
    /// <summary>Observes the duration so far, in seconds, and returns it.</summary>
    TimeSpan ObserveDuration();
}

public static class TimerExtensions
{
    /// <summary>A timer that observes its duration.</summary>
    public static ITimer NewTimer(this IObserver observer) => new Timer(observer.Observe);

    /// <summary>A timer that sets the gauge to its duration.</summary>
    public static ITimer NewTimer(this IGauge gauge) => new Timer(gauge.Set);

    /// <summary>A timer that adds its duration to the counter.</summary>
    public static ITimer NewTimer(this ICounter counter) => new Timer(counter.Inc);

    private sealed class Timer(Action<double> observe) : ITimer
    {
        private readonly long start = Stopwatch.GetTimestamp();

        public TimeSpan ObserveDuration()
        {
            var duration = Stopwatch.GetElapsedTime(start);
            observe(duration.TotalSeconds);
            return duration;
        }

        public void Dispose() => ObserveDuration();
    }
}
