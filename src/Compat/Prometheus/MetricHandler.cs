namespace Prometheus;

/// <summary>Something that offers metrics from its start to its stop.</summary>
public interface IMetricServer : IDisposable
{
    IMetricServer Start();
    Task StopAsync();
    void Stop();
}

/// <summary>Starts and stops the task that does the offering. Once stopped it can be started again.</summary>
public abstract class MetricHandler : IMetricServer
{
    private readonly Lock gate = new();
    private CancellationTokenSource? stopping;
    private Task? running;

    protected MetricHandler() { }

    /// <exception cref="InvalidOperationException">It runs already.</exception>
    public IMetricServer Start()
    {
        lock (gate)
        {
            if (running is not null) throw new InvalidOperationException("The metric server has been started already.");
            var source = new CancellationTokenSource();
            try
            {
                running = StartServer(source.Token);
                stopping = source;
            }
            catch
            {
                source.Dispose();
                throw;
            }
        }
        return this;
    }

    public async Task StopAsync()
    {
        Task? task;
        CancellationTokenSource? source;
        lock (gate) (task, source, running, stopping) = (running, stopping, null, null);
        if (task is null || source is null) return;

        using (source)
        {
            await source.CancelAsync().ConfigureAwait(false);
            await task.ConfigureAwait(false);
        }
    }

    public void Stop() => StopAsync().GetAwaiter().GetResult();

    public void Dispose() => Stop();

    /// <summary>Throws when it cannot start; the task ends once cancelled.</summary>
    protected abstract Task StartServer(CancellationToken cancel);
}
