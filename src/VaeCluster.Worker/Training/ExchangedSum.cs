using System.Runtime.CompilerServices;
using TorchSharp;
using VaeCluster.Collectives;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Worker.Training;

/// <summary>
/// A round's sum over the members, through the exchange. On the CPU segments are sent from where backward wrote them; from
/// a GPU each bucket is copied to the host first.
/// </summary>
/// <param name="exchange">Whose round has begun.</param>
/// <param name="parameters">The model's.</param>
/// <param name="isInterrupted">Whether somebody waits for the round to be given up.</param>
internal sealed unsafe class ExchangedSum(Exchange exchange, FlatParameters parameters, Func<bool> isInterrupted) : IStepReduction, IDisposable
{
    /// <summary>Between two looks at whether the round is to be given up, where nobody has ended the exchange.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(50);

    /// <summary>Results that a spare keeps while it copies the state.</summary>
    private const long MostQueuedBytes = 1L << 30;

    private readonly ConditionalWeakTable<FlatGradient, FloatMemory[]> places = [];

    /// <summary>Results as tensors, by where they begin: the exchange has a few blocks, and uses them in turn.</summary>
    private readonly ConditionalWeakTable<FloatMemory, FlatGradient> inPlace = [];

    /// <summary>Where a result has to be copied to.</summary>
    private FlatGradient? copy;

    /// <summary>Of the last round that completed: the lowest of the newest generations that its contributors held.</summary>
    public Generation LowestHeld { get; private set; }

    /// <summary>What all members of a run have to agree on: it follows from config and model.</summary>
    public static ExchangeLayout LayoutOf(string run, TrainingParts parts)
    {
        var flat = parts.State.Parameters.Layout;
        return new ExchangeLayout
        {
            Run = run,
            Slots = parts.Order.Slots,
            Buckets = [.. flat.Buckets.Select(bucket => checked((int)bucket.Count))],
            Format = parts.Config.Train.Wire == Precision.Bf16 ? WireFormat.Bf16 : WireFormat.Fp32,
            ExactTail = (int)(flat.Length - flat.SumsOffset),
            QueuedSteps = (int)Math.Clamp(MostQueuedBytes / (flat.Length * sizeof(float)), 4, 256),
        };
    }

    public bool Contribute(SlotRange subtree, FlatGradient sum, Bucket bucket) => exchange.Contribute(bucket.Index, subtree, MemoryOf(sum, bucket));

    public bool Contribute(SlotRange subtree, FlatGradient sum)
    {
        foreach (var bucket in parameters.Layout.Buckets)
        {
            if (!Contribute(subtree, sum, bucket)) return false;
        }
        return true;
    }

    public FlatGradient? Wait()
    {
        ExchangeOutcome outcome;
        while ((outcome = exchange.Wait(Patience)).Status == ExchangeStatus.Running)
        {
            if (isInterrupted()) exchange.End("The round is given up.");
        }
        if (outcome.Status != ExchangeStatus.Completed) return null;
        LowestHeld = outcome.LowestHeld;

        var flat = exchange.Result(0);
        var length = parameters.Layout.Length;
        // The update only reads it, as do peers that are still taking it from there.
        if (parameters.Weights.device_type == DeviceType.CPU && ExternalMemory.IsAvailable)
        {
            return inPlace.GetValue(flat, memory => new FlatGradient(parameters, new ExternalMemory(memory.Address, memory)));
        }
        var result = copy ??= new FlatGradient(parameters);
        if (result.Flat.device_type == DeviceType.CPU)
        {
            Buffer.MemoryCopy((void*)flat.Address, (void*)AddressOf(result.Flat), length * sizeof(float), length * sizeof(float));
            return result;
        }
        using var host = empty(length);
        Buffer.MemoryCopy((void*)flat.Address, (void*)AddressOf(host), length * sizeof(float), length * sizeof(float));
        result.Flat.copy_(host);
        return result;
    }

    public void Dispose()
    {
        copy?.Dispose();
        foreach (var (_, result) in inPlace) result.Dispose();
    }

    private FloatMemory MemoryOf(FlatGradient sum, Bucket bucket)
    {
        if (sum.Flat.device_type != DeviceType.CPU)
        {
            using var part = sum.Flat.narrow(0, bucket.Offset, bucket.Count);
            // Kept alive by the memory that names it.
            var host = part.cpu().DetachFromDisposeScope();
            return new FloatMemory(AddressOf(host), (int)bucket.Count, host);
        }
        var memories = places.GetValue(sum, flat => [.. parameters.Layout.Buckets.Select(each =>
            new FloatMemory(AddressOf(flat.Flat) + (nint)(each.Offset * sizeof(float)), (int)each.Count, flat))]);
        return memories[bucket.Index];
    }

    private static nint AddressOf(Tensor tensor)
    {
        fixed (byte* bytes = tensor.bytes) return (nint)bytes;
    }
}
