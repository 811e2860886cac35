using VaeCluster.Data.Order;

namespace VaeCluster.Coordinator.Runs;

/// <summary>What the check of a journal came to.</summary>
/// <param name="Steps">Number of steps from the first to the last.</param>
/// <param name="FirstStep">First one recorded.</param>
/// <param name="Epochs">Epochs of which every sample is accounted for.</param>
/// <param name="Redone">Steps that were done more than once.</param>
/// <param name="Terms">Coordinators that wrote it.</param>
/// <param name="Mistakes">Sentences; none for a journal that keeps the promise.</param>
public sealed record JournalReport(
    ulong Steps, ulong FirstStep, ulong Epochs, ulong Redone, int Terms, IReadOnlyList<string> Mistakes);

/// <summary>
/// Checks offline that a run did what it promises: no step is missing, each step's slots were dealt to exactly one member
/// each, a step done twice gave the same, and each sample was used exactly once in each epoch.
/// </summary>
public static class JournalVerifier
{
    private const int MostMistakes = 100;

    /// <summary>Against the run's own order, from its first step on: each step has to have the samples that the order gives it.</summary>
    /// <param name="folder">Of the journal.</param>
    /// <param name="expected">From the run's configuration and manifest.</param>
    public static JournalReport Verify(string folder, StepSamples expected)
    {
        ArgumentNullException.ThrowIfNull(expected);
        var (of, order) = (-1L, default(SampleOrder));
        return Verify(folder, (ulong)expected.Samples, SampleAt, expected);

        ulong SampleAt(ulong epoch, ulong position)
        {
            if (!expected.Shuffle) return position;
            if (of != (long)epoch) (of, order) = ((long)epoch, new SampleOrder(expected.Seed, (long)epoch, expected.Samples));
            return (ulong)order[(long)position];
        }
    }

    /// <param name="folder">Of the journal.</param>
    /// <param name="samples">Of an epoch; null to take it from the journal's first whole epoch.</param>
    /// <param name="order">The sample at (epoch, position); null to check positions only.</param>
    public static JournalReport Verify(string folder, ulong? samples = null, Func<ulong, ulong, ulong>? order = null) =>
        Verify(folder, samples, order, null);

    private static JournalReport Verify(string folder, ulong? samples, Func<ulong, ulong, ulong>? order, StepSamples? expected)
    {
        var mistakes = new List<string>();
        void Mistake(string text)
        {
            if (mistakes.Count < MostMistakes) mistakes.Add(text);
            else if (mistakes.Count == MostMistakes) mistakes.Add("There are more.");
        }

        // 1. The last entry for a step counts; entries for the same step have the same result.
        var (plans, steps) = (new Dictionary<string, PlanEntry>(), new SortedDictionary<ulong, StepEntry>());
        var (terms, slots, redone, run) = (0, 0, 0UL, (string?)null);
        foreach (var entry in JournalReader.Read(folder, Mistake))
        {
            switch (entry)
            {
                case TermEntry term:
                    terms++;
                    slots = term.Slots;
                    if (expected is not null && slots != expected.Slots) Mistake($"Term {term.Term} cut a step into {slots} slots, the configuration into {expected.Slots}.");
                    if ((run ??= term.Run) != term.Run) Mistake($"The journal has entries of two runs: {run} and {term.Run}.");
                    break;
                case PlanEntry plan:
                    plans[plan.Generation] = plan;
                    if (Dealt(plan, slots) is { } wrong) Mistake(wrong);
                    break;
                case StepEntry step:
                    if (steps.TryGetValue(step.Step, out var before))
                    {
                        redone++;
                        if (!SameResult(before, step))
                            Mistake($"Step {step.Step} was done under plans {before.Generation} and {step.Generation} with different results.");
                    }
                    steps[step.Step] = step;
                    break;
            }
        }
        if (steps.Count == 0) return new(0, 0, 0, 0, terms, [.. mistakes, "The journal has no steps."]);

        // 2. Steps follow each other, and so do their samples.
        StepEntry? last = null;
        var epochs = 0UL;
        var first = steps.Keys.First();
        if (expected is not null && first > 0) Mistake(Missing(0, first - 1));
        foreach (var step in steps.Values)
        {
            if (expected is not null && Misplaced(step, expected) is { } misplaced) Mistake(misplaced);
            if (!plans.TryGetValue(step.Generation, out _)) Mistake($"Step {step.Step} was done under plan {step.Generation}, which the journal does not have.");
            if (last is not null && step.Step != last.Step + 1) Mistake(Missing(last.Step + 1, step.Step - 1));
            else if (last is not null && step.Epoch == last.Epoch)
            {
                if (step.FirstPosition != last.FirstPosition + last.Samples) Mistake(Jump(last, step));
            }
            else if (last is not null)
            {
                // An epoch's length is where its last step ends; all have the same.
                var length = last.FirstPosition + last.Samples;
                samples ??= length;
                if (step.Epoch != last.Epoch + 1 || step.FirstPosition != 0) Mistake(Jump(last, step));
                if (length != samples) Mistake($"Epoch {last.Epoch} ends after {length} of {samples} samples.");
                else epochs++;
            }
            if (samples is { } most && step.FirstPosition + step.Samples > most)
                Mistake($"Step {step.Step} reaches beyond the epoch's {most} samples.");
            last = step;
        }
        if (samples is { } count && last!.FirstPosition + last.Samples == count) epochs++;

        // 3. The order of each whole epoch has each sample once.
        if (order is not null && samples is { } total)
        {
            foreach (var epoch in steps.Values.GroupBy(step => step.Epoch)) CheckOrder(epoch.Key, total, order, epoch, Mistake);
        }
        return new(last!.Step - first + 1, first, epochs, redone, terms, mistakes);
    }

    private static string Missing(ulong first, ulong last) => first == last ? $"Step {first} is missing." : $"Steps {first} to {last} are missing.";

    private static string? Dealt(PlanEntry plan, int slots)
    {
        var next = 0;
        foreach (var member in plan.Members.Where(member => member.Slots > 0))
        {
            if (member.FirstSlot != next) return $"Plan {plan.Generation} does not deal each slot once: {member.Worker} begins at {member.FirstSlot}, not {next}.";
            next += member.Slots;
        }
        return next == slots ? null : $"Plan {plan.Generation} deals {next} of {slots} slots.";
    }

    private static bool SameResult(StepEntry a, StepEntry b) =>
        (a.Epoch, a.FirstPosition, a.Samples, a.Skipped) == (b.Epoch, b.FirstPosition, b.Samples, b.Skipped)
        && a.Loss.Equals(b.Loss) && a.GradientNorm.Equals(b.GradientNorm)
        && (a.StateSha256 is null || b.StateSha256 is null || a.StateSha256 == b.StateSha256);

    private static string Jump(StepEntry last, StepEntry step) =>
        $"Step {last.Step} ends at sample {last.FirstPosition + last.Samples} of epoch {last.Epoch}, and step {step.Step} begins at {step.FirstPosition} of epoch {step.Epoch}.";

    private static string? Misplaced(StepEntry step, StepSamples expected)
    {
        var (epoch, first, samples) = (expected.EpochOf((long)step.Step), expected.OffsetOf((long)step.Step), expected.BatchOf((long)step.Step));
        return (step.Epoch, step.FirstPosition, step.Samples) == ((ulong)epoch, (ulong)first, (uint)samples) ? null
            : $"Step {step.Step} had {step.Samples} samples from {step.FirstPosition} of epoch {step.Epoch} on; the configuration gives it {samples} from {first} of epoch {epoch} on.";
    }

    private static void CheckOrder(
        ulong epoch, ulong total, Func<ulong, ulong, ulong> order, IEnumerable<StepEntry> steps, Action<string> mistake)
    {
        var used = new System.Collections.BitArray(checked((int)total));
        foreach (var step in steps)
        {
            for (var position = step.FirstPosition; position < Math.Min(total, step.FirstPosition + step.Samples); position++)
            {
                var sample = order(epoch, position);
                if (sample >= total) mistake($"Epoch {epoch}, position {position}: there is no sample {sample}.");
                else if (used[(int)sample]) mistake($"Epoch {epoch} uses sample {sample} twice.");
                else used[(int)sample] = true;
            }
        }
    }
}
