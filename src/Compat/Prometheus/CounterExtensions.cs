namespace Prometheus;

public static class CounterExtensions
{
    /// <summary>Raises the counter to the current time, in seconds since the Unix epoch.</summary>
    public static void IncToCurrentTimeUtc(this ICounter counter) => counter.IncToTimeUtc(DateTimeOffset.UtcNow);

    /// <summary>Raises the counter to this time, in seconds since the Unix epoch.</summary>
    public static void IncToTimeUtc(this ICounter counter, DateTimeOffset timestamp) => counter.IncTo(UnixTime.Seconds(timestamp));

    /// <summary>Runs the function and counts an exception that leaves it and that the filter, if any, accepts.</summary>
    public static void CountExceptions(this ICounter counter, Action wrapped, Func<Exception, bool>? exceptionFilter = null)
    {
        try
        {
            wrapped();
        }
        catch (Exception exception) when (exceptionFilter?.Invoke(exception) ?? true)
        {
            counter.Inc();
            throw;
        }
    }

    /// <inheritdoc cref="CountExceptions(ICounter, Action, Func{Exception, bool})"/>
    public static TResult CountExceptions<TResult>(this ICounter counter, Func<TResult> wrapped, Func<Exception, bool>? exceptionFilter = null)
    {
        try
        {
            return wrapped();
        }
        catch (Exception exception) when (exceptionFilter?.Invoke(exception) ?? true)
        {
            counter.Inc();
            throw;
        }
    }

    /// <inheritdoc cref="CountExceptions(ICounter, Action, Func{Exception, bool})"/>
    public static async Task CountExceptionsAsync(this ICounter counter, Func<Task> wrapped, Func<Exception, bool>? exceptionFilter = null)
    {
        try
        {
            await wrapped().ConfigureAwait(false);
        }
        catch (Exception exception) when (exceptionFilter?.Invoke(exception) ?? true)
        {
            counter.Inc();
            throw;
        }
    }

    /// <inheritdoc cref="CountExceptions(ICounter, Action, Func{Exception, bool})"/>
    public static async Task<TResult> CountExceptionsAsync<TResult>(this ICounter counter, Func<Task<TResult>> wrapped,
        Func<Exception, bool>? exceptionFilter = null)
    {
        try
        {
            return await wrapped().ConfigureAwait(false);
        }
        catch (Exception exception) when (exceptionFilter?.Invoke(exception) ?? true)
        {
            counter.Inc();
            throw;
        }
    }
}
