using System.Diagnostics;
using System.Globalization;
using VaeCluster.Cluster.Tests;

namespace Benchmarks;

/// <summary>
/// A worker's own count of its steps and the time of the last one, read from its metrics by a thread. A reading costs the worker
/// some milliseconds, so there are no more than are needed to miss no step that counts.
/// </summary>
internal sealed class StepWatch : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>Where each step counts.</summary>
    public static readonly TimeSpan Often = TimeSpan.FromMilliseconds(25);

    private static readonly TimeSpan Seldom = TimeSpan.FromMilliseconds(200);

    private readonly object gate = new();
    private readonly List<Sighting> sightings = [];
    private readonly HttpClient http = new() { Timeout = Deadline };
    private readonly Uri address;
    private readonly TimeSpan pause;
    private readonly Thread thread;
    private volatile bool ended;

    private StepWatch(int port, TimeSpan pause)
    {
        this.pause = pause;
        address = new Uri($"http://127.0.0.1:{port}/metrics");
        thread = new Thread(Look) { IsBackground = true };
        thread.Start();
    }

    /// <summary>Starts a worker of the cluster with its watch.</summary>
    public static StepWatch Start(TestCluster cluster, string worker, TimeSpan? pause = null)
    {
        var port = LinkProxy.FreePort();
        cluster.StartWorker(worker, "--metrics", $"http://127.0.0.1:{port}");
        return new StepWatch(port, pause ?? Seldom);
    }

    /// <summary>Everything seen so far; a new sighting is one that differs from the one before.</summary>
    public IReadOnlyList<Sighting> Seen
    {
        get
        {
            lock (gate) return [.. sightings];
        }
    }

    /// <summary>The first sighting that is as wanted, from a moment on.</summary>
    public Sighting WaitFor(string what, Func<Sighting, bool> wanted, long from = 0)
    {
        var start = Stopwatch.GetTimestamp();
        lock (gate)
        {
            for (var i = 0; ; i++)
            {
                while (i >= sightings.Count)
                {
                    var left = Deadline - Stopwatch.GetElapsedTime(start);
                    if (left <= TimeSpan.Zero) throw new TimeoutException($"It was not so within {Deadline} that {what}.");
                    Monitor.Wait(gate, left);
                }
                if (sightings[i].Time >= from && wanted(sightings[i])) return sightings[i];
            }
        }
    }

    /// <summary>So many steps, and the seconds that each took.</summary>
    public double SecondsPerStep(double leastSeconds, int leastSteps)
    {
        var from = Stopwatch.GetTimestamp();
        var first = WaitFor("a step is done", _ => true, from);
        var begin = WaitFor("another step is done", seen => seen.Steps > first.Steps, from);
        var last = WaitFor("the steps are done", seen => seen.Steps >= begin.Steps + leastSteps && Stopwatch.GetElapsedTime(begin.Done, seen.Done).TotalSeconds >= leastSeconds, begin.Time);
        return Stopwatch.GetElapsedTime(begin.Done, last.Done).TotalSeconds / (last.Steps - begin.Steps);
    }

    /// <summary>Milliseconds of the steps that were done between two moments.</summary>
    public Figures StepMilliseconds(long from, long to)
    {
        var steps = Steps(from, to);
        return new(steps.Zip(steps.Skip(1), (a, b) => Stopwatch.GetElapsedTime(a.Done, b.Done).TotalMilliseconds / (b.Steps - a.Steps)));
    }

    /// <summary>One value of the metrics, as of now.</summary>
    public async Task<double> ReadAsync(string series) => Value(await http.GetStringAsync(address), series)
        ?? throw new InvalidOperationException($"The worker tells no {series}.");

    public void Dispose()
    {
        ended = true;
        thread.Join();
        http.Dispose();
    }

    private List<Sighting> Steps(long from, long to)
    {
        lock (gate) return [.. sightings.Where(seen => seen.Done >= from && seen.Done <= to).GroupBy(seen => seen.Steps).Select(group => group.First())];
    }

    private void Look()
    {
        while (!ended)
        {
            try
            {
                using var response = http.Send(new HttpRequestMessage(HttpMethod.Get, address));
                using var reader = new StreamReader(response.Content.ReadAsStream());
                var text = reader.ReadToEnd();
                var ago = DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch - TimeSpan.FromSeconds(Value(text, "vaecluster_worker_last_step_timestamp_seconds") ?? 0);
                var now = Stopwatch.GetTimestamp();
                var seen = new Sighting(now, now - (long)(ago.TotalSeconds * Stopwatch.Frequency), (long)(Value(text, "vaecluster_worker_completed_steps") ?? 0),
                    (long)(Value(text, "vaecluster_worker_plan_number") ?? 0), (int)(Value(text, "vaecluster_worker_slots") ?? 0));
                lock (gate)
                {
                    if (sightings.Count == 0 || sightings[^1] with { Time = seen.Time, Done = seen.Done } != seen)
                    {
                        sightings.Add(seen);
                        Monitor.PulseAll(gate);
                    }
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or TaskCanceledException)
            {
                // Not there yet, or not any more.
            }
            Thread.Sleep(pause);
        }
    }

    private static double? Value(string text, string series)
    {
        var at = text.IndexOf($"\n{series} ", StringComparison.Ordinal);
        if (at < 0) return null;
        var value = text.AsSpan(at + series.Length + 2);
        return double.Parse(value[..value.IndexOf('\n')], CultureInfo.InvariantCulture);
    }

    /// <param name="Time">Of the stopwatch, when it was seen.</param>
    /// <param name="Done">Of the stopwatch, when the last step was done.</param>
    /// <param name="Steps">Completed.</param>
    /// <param name="Plan">Its number; 0 for none.</param>
    /// <param name="Slots">Of the worker.</param>
    internal readonly record struct Sighting(long Time, long Done, long Steps, long Plan, int Slots);
}
