using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using VaeCluster.Data.Cache;
using VaeCluster.Data.Images;

namespace VaeCluster.Data.Pipeline;

/// <summary>
/// Reads and decodes the images of a range of slots ahead of the steps that take them.
/// <list type="number">
/// <item>It is aimed at a range of slots and a step, and again whenever the plan changes.</item>
/// <item>Threads fill the batches in the order in which they will be taken, a few images at a time, as far ahead as the
/// memory given to it goes.</item>
/// <item>The taker gets its batch, waits for what is missing, and gives the memory back when done. A batch that was not
/// foreseen (a step done again, another member's slot) is filled before all others.</item>
/// </list>
/// What is in a batch depends on (manifest, options, seed, step, slot) alone.
/// </summary>
public sealed unsafe class SlotPipeline : IDisposable
{
    // Images that a thread claims at once: few enough to share a slot among threads, enough to keep the lock cheap.
    private const int Claim = 4;
    private const int MostAhead = 256;

    private readonly object gate = new();
    private readonly DataSet data;
    private readonly PipelineOptions options;
    private readonly IBatchMemory memory;
    private readonly ImageTransform transform;
    private readonly DecodedCache? cache;
    private readonly Thread[] threads;
    private readonly CancellationTokenSource stopping = new();
    private readonly nuint batchBytes;
    private readonly int ahead;

    // Guarded by gate.
    private readonly Dictionary<(long Step, int Slot), PendingBatch> pending = [];
    private readonly LinkedList<PendingBatch> unclaimed = [];
    private readonly Stack<nint> free = new();
    private int scheduled;
    private int firstSlot, slotCount, nextSlot;
    private long nextStep, endStep;
    private bool disposed;
    private long images, takes;
    private TimeSpan waited;

    public SlotPipeline(DataSet data, PipelineOptions options, IBatchMemory? memory = null)
    {
        if (Order.StepSamples.Mistake(options.Samples.Samples, options.Samples.Batch, options.Samples.Slots) is { } mistake)
            throw new UserErrorException($"No batches of {options.Split} can be made from {data.Options.Source}: {mistake}.");
        this.data = data;
        this.options = options;
        this.memory = memory ?? new HostMemory();
        transform = new ImageTransform(data.Options, options.Shape, options.Augment);
        cache = DecodedCache.Open(data, transform);
        batchBytes = (nuint)options.Samples.SlotCapacity * (nuint)options.Shape.Values * sizeof(float);
        ahead = (int)Math.Clamp((ulong)data.Options.PrefetchMegabytes * (1 << 20) / batchBytes, 2UL, MostAhead);

        var count = data.Options.Threads > 0 ? data.Options.Threads : Math.Max(1, Environment.ProcessorCount / 2);
        // Made here: a decoder library that can't be loaded is to be the caller's exception, not the end of the process.
        var loaders = Enumerable.Range(0, count).Select(_ => new SampleLoader(data, transform, cache, options.Split, options.Samples.Seed)).ToList();
        threads = [.. loaders.Select((loader, i) => new Thread(() => Work(loader)) { IsBackground = true, Name = $"images {i}" })];
        foreach (var thread in threads) thread.Start();
    }

    /// <summary>Which slots will be taken, from which step on. What is ready and still wanted is kept.</summary>
    /// <param name="first">The first slot of the range.</param>
    /// <param name="count">Slots in the range; none for a spare.</param>
    /// <param name="step">The first step whose batches are taken.</param>
    /// <param name="end">The first step that will not be taken; null for no end.</param>
    public void Aim(int first, int count, long step, long? end = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        if (first < 0 || count < 0 || first + count > options.Samples.Slots)
            throw new ArgumentOutOfRangeException(nameof(count), $"Slots {first} to {first + count} of {options.Samples.Slots}.");
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            (firstSlot, slotCount, nextSlot) = (first, count, first);
            (nextStep, endStep) = (step, end ?? long.MaxValue);
            foreach (var batch in pending.Values.ToList())
                if (batch.Step < step || batch.Step >= endStep || batch.Slot < first || batch.Slot >= first + count) Drop(batch);
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>The images of a slot in a step. Blocks until they are there.</summary>
    /// <exception cref="SampleReadException">One of them could not be read: the slot has to be given up.</exception>
    /// <exception cref="UserErrorException">Too many images are broken.</exception>
    public SlotBatch Take(long step, int slot, CancellationToken cancellation)
    {
        var begun = data.Time.GetTimestamp();
        PendingBatch? batch;
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            var count = options.Samples.CountOf(step, slot);
            if (count == 0) return new SlotBatch(this, step, slot, 0, options.Shape, 0, TimeSpan.Zero);
            MoveTo(step);
            if (!pending.TryGetValue((step, slot), out batch)) batch = Reach(step, slot, count);
            batch.Waiting++;
            Monitor.PulseAll(gate);
        }
        try
        {
            batch.Ready.Wait(cancellation);
        }
        finally
        {
            lock (gate) batch.Waiting--;
        }
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            if (batch.Dropped) throw new OperationCanceledException("The pipeline was aimed elsewhere while this batch was waited for.");
            Forget(batch);
            takes++;
            var wait = data.Time.GetElapsedTime(begun);
            waited += wait;
            Monitor.PulseAll(gate);
            if (batch.Failure is null) return new SlotBatch(this, step, slot, batch.Count, options.Shape, batch.Memory, wait);
            free.Push(batch.Memory);
        }
        ExceptionDispatchInfo.Throw(batch.Failure);
        return null;
    }

    /// <summary>Counters since the start.</summary>
    public PipelineSnapshot Snapshot()
    {
        lock (gate)
        {
            // What is mapped is gone once this is disposed.
            return new PipelineSnapshot(images, takes, waited, pending.Values.Count(batch => batch.Complete), data.Broken.Count,
                cache?.Hits ?? 0, cache?.Misses ?? 0, disposed ? 0 : cache?.Bytes ?? 0);
        }
    }

    /// <summary>Ends the threads; batches that were taken and not disposed lose their memory.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (disposed) return;
            disposed = true;
            stopping.Cancel();
            Monitor.PulseAll(gate);
        }
        foreach (var thread in threads) thread.Join();
        lock (gate)
        {
            foreach (var batch in pending.Values)
            {
                free.Push(batch.Memory);
                batch.Dropped = true;
                batch.Ready.Set();
            }
            pending.Clear();
            while (free.TryPop(out var part)) memory.Free(part);
        }
        cache?.Dispose();
        stopping.Dispose();
    }

    internal void Return(nint part)
    {
        lock (gate)
        {
            if (disposed) memory.Free(part);
            else free.Push(part);
            Monitor.PulseAll(gate);
        }
    }

    private void Work(SampleLoader loader)
    {
        using var _ = loader;
        while (TryClaim(out var batch, out var from, out var to))
        {
            Exception? failure = null;
            try
            {
                Fill(loader, batch, from, to);
            }
            // Whatever it is goes to the taker, who gives the slot up: a thread that dies would leave it waiting.
            catch (Exception error)
            {
                failure = error;
            }
            Finish(batch, to - from, failure);
        }
    }

    private void Fill(SampleLoader loader, PendingBatch batch, int from, int to)
    {
        var epoch = options.Samples.EpochOf(batch.Step);
        for (var i = from; i < to; i++)
        {
            var place = batch.Offset + i;
            var sample = data.Manifest.SampleOf(options.Split, options.Samples.Shuffle ? batch.Order[place] : place);
            var output = new Span<float>((float*)batch.Memory + (long)i * options.Shape.Values, options.Shape.Values);
            loader.Load(sample, epoch, output, stopping.Token);
        }
    }

    private bool TryClaim([NotNullWhen(true)] out PendingBatch? batch, out int from, out int to)
    {
        lock (gate)
        {
            while (!disposed)
            {
                if (unclaimed.First is null) ScheduleNext();
                if (unclaimed.First is { } first)
                {
                    batch = first.Value;
                    from = batch.Claimed;
                    batch.Claimed = to = Math.Min(from + Claim, batch.Count);
                    if (to == batch.Count) unclaimed.RemoveFirst();
                    return true;
                }
                Monitor.Wait(gate);
            }
        }
        (batch, from, to) = (null, 0, 0);
        return false;
    }

    private void Finish(PendingBatch batch, int count, Exception? failure)
    {
        lock (gate)
        {
            images += count;
            batch.Done += count;
            if (failure is not null && batch.Failure is null)
            {
                batch.Failure = failure;
                unclaimed.Remove(batch);
            }
            if (batch.Dropped)
            {
                if (batch.Done == batch.Claimed) free.Push(batch.Memory);
            }
            else if (batch.Complete)
            {
                batch.Ready.Set();
            }
        }
    }

    /// <summary>Steps go forward: what an earlier one left behind is not taken any more.</summary>
    private void MoveTo(long step)
    {
        foreach (var batch in pending.Values.Where(batch => batch.Step < step && batch.Waiting == 0).ToList()) Drop(batch);
        if (nextStep < step) (nextStep, nextSlot) = (step, firstSlot);
    }

    /// <summary>A batch that is not scheduled yet: of the range, in its turn; otherwise before all others.</summary>
    private PendingBatch Reach(long step, int slot, int count)
    {
        if (step == nextStep && slot >= nextSlot && slot < firstSlot + slotCount && step < endStep)
        {
            while ((nextStep, nextSlot).CompareTo((step, slot)) <= 0) ScheduleNext(evenWithoutRoom: true);
            if (pending.TryGetValue((step, slot), out var batch)) return batch;
        }
        return Schedule(step, slot, count, urgent: true);
    }

    /// <summary>The next batch of the range, if there is room for it.</summary>
    private void ScheduleNext(bool evenWithoutRoom = false)
    {
        while (slotCount > 0 && nextStep < endStep && (scheduled < ahead || evenWithoutRoom))
        {
            var (step, slot) = (nextStep, nextSlot);
            if (++nextSlot == firstSlot + slotCount) (nextStep, nextSlot) = (nextStep + 1, firstSlot);
            var count = options.Samples.CountOf(step, slot);
            if (count == 0 || pending.ContainsKey((step, slot))) continue;
            Schedule(step, slot, count, urgent: false);
            return;
        }
    }

    private PendingBatch Schedule(long step, int slot, int count, bool urgent)
    {
        if (!free.TryPop(out var part)) part = memory.Allocate(batchBytes);
        var offset = options.Samples.OffsetOf(step) + options.Samples.SlotOf(step, slot).From;
        var batch = new PendingBatch(step, slot, count, options.Samples.OrderOf(step), offset, part);
        pending.Add((step, slot), batch);
        if (urgent) unclaimed.AddFirst(batch);
        else unclaimed.AddLast(batch);
        scheduled++;
        return batch;
    }

    private void Forget(PendingBatch batch)
    {
        pending.Remove((batch.Step, batch.Slot));
        scheduled--;
    }

    private void Drop(PendingBatch batch)
    {
        Forget(batch);
        unclaimed.Remove(batch);
        batch.Dropped = true;
        // A thread that still works on it returns the memory.
        if (batch.Done == batch.Claimed) free.Push(batch.Memory);
        batch.Ready.Set();
    }
}
