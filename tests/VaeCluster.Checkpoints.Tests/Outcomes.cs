using System.Threading.Channels;

namespace VaeCluster.Checkpoints.Tests;

/// <summary>What a writer reported, to look at or to wait for.</summary>
internal sealed class Outcomes
{
    private readonly Channel<CheckpointOutcome> _reported = Channel.CreateUnbounded<CheckpointOutcome>();

    public void Add(CheckpointOutcome outcome) => _reported.Writer.TryWrite(outcome);

    /// <summary>The next one, whatever it is.</summary>
    public Task<CheckpointOutcome> NextAsync() => _reported.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().Within("the next outcome");

    /// <summary>The next one, which is to be of this kind.</summary>
    public async Task<T> NextAsync<T>() where T : CheckpointOutcome => Assert.IsType<T>(await NextAsync());

    /// <summary>The next one of this kind; others before it are passed over.</summary>
    public async Task<T> UntilAsync<T>() where T : CheckpointOutcome
    {
        while (true)
        {
            if (await NextAsync() is T found) return found;
        }
    }
}
