namespace VaeCluster.Protocol.Tests;

/// <summary>Every wait in these tests ends, and says what it waited for.</summary>
internal static class Deadline
{
    public static readonly TimeSpan Default = TimeSpan.FromSeconds(30);

    public static Task<T> For<T>(ValueTask<T> task, string what) => For(task.AsTask(), what);

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

    /// <summary>For what only shows in a number: looks at it again and again.</summary>
    public static async Task Until(Func<bool> reached, Func<string> what)
    {
        for (var started = TimeProvider.System.GetTimestamp(); !reached();)
        {
            if (TimeProvider.System.GetElapsedTime(started) > Default) throw new TimeoutException($"Waited {Default.TotalSeconds} s for {what()}.");
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Options of a call that ends in time.</summary>
    public static Grpc.Core.CallOptions Call => new(
        deadline: DateTime.UtcNow + Default, cancellationToken: TestContext.Current.CancellationToken);
}
