using System.Threading.Channels;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Runs;

/// <summary>The coordinator's end of one worker's call: messages wait here until the worker reads them.</summary>
internal sealed class WorkerStream(long number, int mostUnread) : IDisposable
{
    private readonly Channel<Wire.CoordinatorMessage> unread = Channel.CreateBounded<Wire.CoordinatorMessage>(
        new BoundedChannelOptions(mostUnread) { SingleReader = true, SingleWriter = true });

    private readonly CancellationTokenSource broken = new();

    public long Number { get; } = number;

    /// <summary>The plan that it was sent last, with all names. The loop's.</summary>
    public Wire.Plan? Told { get; set; }

    public ChannelReader<Wire.CoordinatorMessage> Unread => unread.Reader;

    /// <summary>Cancelled when the worker does not read; the call ends at once then.</summary>
    public CancellationToken Broken => broken.Token;

    /// <summary>False where the worker has left too much unread: its stream is broken then.</summary>
    public bool TrySend(Wire.CoordinatorMessage message)
    {
        if (unread.Writer.TryWrite(message)) return true;
        if (unread.Reader.Completion.IsCompleted || !unread.Writer.TryComplete()) return true;
        try
        {
            // Callbacks end the call; they are not for the loop's thread.
            _ = broken.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself in this moment.
        }
        return false;
    }

    /// <summary>Ends the call once everything before is read.</summary>
    public void Close() => unread.Writer.TryComplete();

    public void Dispose() => broken.Dispose();
}
