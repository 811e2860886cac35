using VaeCluster.Config;

namespace VaeCluster.Worker.Training;

/// <summary>
/// The order of a run's rounds, each of which is one exchange: its steps, and a validation after some of them. Rounds are
/// counted from 0, as steps are; all of it follows from the config and the data.
/// </summary>
internal sealed class RoundOrder
{
    private readonly long everySteps, everyEpochs, both;
    private readonly long totalSteps;
    private readonly bool validates;

    /// <param name="train">Says how often is validated.</param>
    /// <param name="stepsPerEpoch">Of the training split.</param>
    /// <param name="totalSteps">After the last one is validated in any case.</param>
    /// <param name="validates">Whether there are samples to validate with.</param>
    public RoundOrder(TrainOptions train, long stepsPerEpoch, long totalSteps, bool validates)
    {
        (this.totalSteps, this.validates) = (totalSteps, validates);
        everySteps = train.ValidateSteps;
        everyEpochs = train.ValidateEpochs == 0 ? 0 : Product(stepsPerEpoch, train.ValidateEpochs);
        both = everySteps == 0 || everyEpochs == 0 ? 0 : Product(everySteps / Divisor(everySteps, everyEpochs), everyEpochs);
    }

    /// <summary>Whether a validation follows when this many steps are done.</summary>
    public bool ValidatesAfter(long steps) => validates && steps > 0 && (steps == totalSteps || IsPeriodic(steps));

    /// <summary>The round of the step that follows when this many are done.</summary>
    public long OfStep(long steps) => steps + Validations(steps);

    /// <summary>The round of the validation after this many steps.</summary>
    public long OfValidation(long steps) => OfStep(steps) - 1;

    /// <summary>The first round of who holds the state after this many steps.</summary>
    public long First(long steps) => ValidatesAfter(steps) ? OfValidation(steps) : OfStep(steps);

    /// <summary>What a round is: a step or a validation, and the steps done before it.</summary>
    public (bool IsValidation, long Steps) At(long round)
    {
        // At most as many validations as steps.
        var (low, high) = (round / 2, round);
        while (low < high)
        {
            var middle = high - (high - low) / 2;
            if (OfStep(middle) <= round) low = middle;
            else high = middle - 1;
        }
        return OfStep(low) == round ? (false, low) : (true, low + 1);
    }

    private long Validations(long steps)
    {
        if (!validates) return 0;
        var last = Math.Min(steps, totalSteps);
        var count = Every(last, everySteps) + Every(last, everyEpochs) - Every(last, both);
        return last == totalSteps && last > 0 && !IsPeriodic(last) ? count + 1 : count;
    }

    private bool IsPeriodic(long steps) => (everySteps > 0 && steps % everySteps == 0) || (everyEpochs > 0 && steps % everyEpochs == 0);

    private static long Every(long steps, long period) => period == 0 ? 0 : steps / period;

    private static long Divisor(long a, long b) => b == 0 ? a : Divisor(b, a % b);

    /// <summary>What would be longer than any run is as long as any.</summary>
    private static long Product(long a, long b) => a > long.MaxValue / b ? long.MaxValue : a * b;
}
