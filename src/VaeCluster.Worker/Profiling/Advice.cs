using System.Globalization;

namespace VaeCluster.Worker.Profiling;

/// <summary>What to change first. A function of the profile alone.</summary>
public static class Advice
{
    /// <summary>Less than that is no reason to change anything.</summary>
    private const double WorthIt = 1.05;

    /// <summary>A sentence each, what promises most first; never empty.</summary>
    public static IReadOnlyList<string> Of(Profile profile)
    {
        ArgumentNullException.ThrowIfNull(profile);
        var steps = profile.Steps;
        var found = new List<(double Gain, string Sentence)>();

        // What others leave undone while images are waited for.
        if (steps.Data > 0 && steps.Step / (steps.Step - steps.Data) is var withoutWait && withoutWait >= WorthIt)
            found.Add((withoutWait, Say($"Images are waited for during {steps.Data / steps.Step:P0} of a step: more data.threads, or a data.cache.folder on a local disk. Up to {withoutWait:F2} times the images a second.")));
        var workers = Math.Min(profile.Cores / Math.Max(1, profile.Threads), profile.Slots);
        if (workers >= 2)
            found.Add((workers, Say($"{profile.Threads} of {profile.Cores} cores compute: `vaecluster train --workers {workers}` gives the same weights. At most {workers} times the images a second.")));
        foreach (var probe in profile.Probes.Where(probe => probe.Gain >= WorthIt))
            found.Add((probe.Gain, Say($"{probe.Setting}: {probe.Gain:F2} times the images a second, measured here. Another run: other weights, though trained alike.")));
        var updating = steps.Update / steps.Step;
        if (updating > 0.2)
            found.Add((1, Say($"The update takes {updating:P0} of a step, whatever its batch: a larger train.batch has fewer of them an epoch.")));
        return found.Count == 0 ? ["Nothing of what was tried makes it faster by 5 %."] : [.. found.OrderByDescending(each => each.Gain).Select(each => each.Sentence)];
    }

    private static string Say(FormattableString sentence) => sentence.ToString(CultureInfo.InvariantCulture);
}
