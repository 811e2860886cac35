namespace VaeCluster.Worker.Tests;

/// <summary>Every wait in these tests ends, and says what it waited for.</summary>
internal static class Deadline
{
    public static readonly TimeSpan Default = TimeSpan.FromSeconds(60);

    public static async Task<T> For<T>(Task<T> task, string what)
    {
        await For((Task)task, what);
        return await task;
    }

    public static async Task For(Task task, string what)
    {
        try
        {
            await task.WaitAsync(Default, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            throw new TimeoutException($"Waited {Default.TotalSeconds} s for {what}.");
        }
    }

    /// <summary>For what only shows when it is looked at.</summary>
    public static async Task Until(Func<bool> reached, string what)
    {
        for (var started = TimeProvider.System.GetTimestamp(); !reached();)
        {
            if (TimeProvider.System.GetElapsedTime(started) > Default) throw new TimeoutException($"Waited {Default.TotalSeconds} s for {what}.");
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }
}
