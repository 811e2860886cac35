namespace VaeCluster.Data.Pipeline;

/// <summary>The images of one slot in one step. Disposing it gives its memory back to the pipeline.</summary>
public sealed unsafe class SlotBatch : IDisposable
{
    private readonly SlotPipeline pipeline;
    private nint memory;

    internal SlotBatch(SlotPipeline pipeline, long step, int slot, int count, ImageShape shape, nint memory, TimeSpan wait)
    {
        this.pipeline = pipeline;
        this.memory = memory;
        Step = step;
        Slot = slot;
        Count = count;
        Shape = shape;
        Wait = wait;
    }

    public long Step { get; }

    public int Slot { get; }

    /// <summary>m; 0 for a slot that the last batch of an epoch leaves empty.</summary>
    public int Count { get; }

    public ImageShape Shape { get; }

    /// <summary>How long the taker waited for it.</summary>
    public TimeSpan Wait { get; }

    /// <summary>[m, channels, size, size]; valid until the batch is disposed.</summary>
    public Span<float> Pixels => new((void*)Address, Count * Shape.Values);

    /// <summary>Where the pixels begin; 0 for an empty slot.</summary>
    public nint Address
    {
        get
        {
            ObjectDisposedException.ThrowIf(memory == -1, this);
            return memory;
        }
    }

    public void Dispose()
    {
        var given = Interlocked.Exchange(ref memory, -1);
        if (given is not (-1 or 0)) pipeline.Return(given);
    }
}
