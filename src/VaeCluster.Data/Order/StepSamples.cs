namespace VaeCluster.Data.Order;

/// <summary>
/// Which samples a step has, and which of them a slot: a pure function of (seed, samples, batch, slots, step). Steps count
/// from 0: step t takes the weights from t to t + 1. The last batch of an epoch holds what is left.
/// </summary>
/// <param name="Samples">n, of the split.</param>
/// <param name="Batch">B, samples per step over all slots.</param>
/// <param name="Slots">V.</param>
/// <param name="Seed">Keys the order of each epoch.</param>
/// <param name="Shuffle">False takes the manifest's order in every epoch, as validation does.</param>
public sealed record StepSamples(long Samples, int Batch, int Slots, ulong Seed, bool Shuffle = true)
{
    public long StepsPerEpoch => (Samples + Batch - 1) / Batch;

    /// <summary>The most samples that a slot ever has.</summary>
    public int SlotCapacity => (Batch + Slots - 1) / Slots;

    public long EpochOf(long step) => step / StepsPerEpoch;

    /// <summary>Positions of the epoch that come before the step.</summary>
    public long OffsetOf(long step) => step % StepsPerEpoch * Batch;

    /// <summary>B': the samples of this step, fewer than B at the end of an epoch.</summary>
    public int BatchOf(long step) => (int)Math.Min(Batch, Samples - OffsetOf(step));

    /// <summary>Slot v's part of the step's B' samples: [v*B'/V, (v+1)*B'/V).</summary>
    public (int From, int To) SlotOf(long step, int slot)
    {
        if ((uint)slot >= (uint)Slots) throw new ArgumentOutOfRangeException(nameof(slot), slot, $"There are {Slots} slots.");
        long batch = BatchOf(step);
        return ((int)(slot * batch / Slots), (int)((slot + 1) * batch / Slots));
    }

    public int CountOf(long step, int slot)
    {
        var (from, to) = SlotOf(step, slot);
        return to - from;
    }

    /// <summary>The order of the epoch that the step belongs to.</summary>
    public SampleOrder OrderOf(long step) => new(Seed, EpochOf(step), Samples);

    /// <summary>The samples of a slot, as indices into the split.</summary>
    public IEnumerable<long> Of(long step, int slot)
    {
        var (from, to) = SlotOf(step, slot);
        var offset = OffsetOf(step);
        var order = OrderOf(step);
        for (var i = from; i < to; i++) yield return Shuffle ? order[offset + i] : offset + i;
    }

    /// <summary>Every mistake in the numbers themselves, as a sentence; null when there is none.</summary>
    public static string? Mistake(long samples, int batch, int slots) => (samples, batch, slots) switch
    {
        ( < 1, _, _) => "there are no samples",
        (_, < 1, _) => "the batch needs at least one sample",
        (_, _, < 1) => "there must be at least one slot",
        _ => null,
    };
}
