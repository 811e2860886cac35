namespace VaeCluster.Coordinator.Tests;

/// <summary>Every wait in these tests ends, and says what it waited for.</summary>
internal static class Deadline
{
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(60);

    public static async Task<T> For<T>(Task<T> task, string what)
    {
        try
        {
            return await task.WaitAsync(Time);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            throw new TimeoutException($"Waited {Time.TotalSeconds} s for {what}.");
        }
    }

    /// <summary>For what only shows when it is looked at.</summary>
    public static async Task Until(Func<bool> reached, Func<string> what)
    {
        for (var started = TimeProvider.System.GetTimestamp(); !reached();)
        {
            if (TimeProvider.System.GetElapsedTime(started) > Time) throw new TimeoutException($"Waited {Time.TotalSeconds} s for {what()}.");
            await Task.Delay(5);
        }
    }
}
