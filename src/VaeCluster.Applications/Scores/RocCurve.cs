namespace VaeCluster.Applications.Scores;

/// <summary>What a threshold at a score gives: all with that score or a higher one are taken for anomalies.</summary>
/// <param name="Threshold">The score.</param>
/// <param name="FalsePositiveRate">The share of the normal images that it takes.</param>
/// <param name="TruePositiveRate">The share of the anomalies that it takes.</param>
public readonly record struct RocPoint(double Threshold, double FalsePositiveRate, double TruePositiveRate);

/// <summary>
/// How well a score, high for anomalies, tells them from normal images, over all thresholds. Scores that tie pass the threshold
/// together, which is a slanted piece of the curve: the area below it is the probability that an anomaly scores higher than a
/// normal image, ties counted half (Fawcett 2006, "An introduction to ROC analysis").
/// </summary>
/// <param name="Points">From (0, 0) to (1, 1), one for each distinct score.</param>
/// <param name="Area">AUROC: 0.5 by chance, 1 at best.</param>
/// <param name="Anomalies">How many images are.</param>
/// <param name="Normal">How many are not.</param>
public sealed record RocCurve(IReadOnlyList<RocPoint> Points, double Area, long Anomalies, long Normal)
{
    /// <exception cref="UserErrorException">One of the two kinds has no image.</exception>
    public static RocCurve Of(IReadOnlyList<double> scores, IReadOnlyList<bool> anomalous)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(anomalous.Count, scores.Count);
        long anomalies = anomalous.Count(flag => flag), normal = anomalous.Count - anomalies;
        if (anomalies == 0 || normal == 0)
            throw new UserErrorException($"There are {anomalies} anomalies and {normal} normal images: a ROC curve needs both. Correct the labels, or leave them out.");
        var order = Enumerable.Range(0, scores.Count).OrderByDescending(i => scores[i]).ToList();
        var points = new List<RocPoint> { new(double.PositiveInfinity, 0, 0) };
        var (found, alarms, area) = (0L, 0L, 0.0);
        for (var at = 0; at < order.Count;)
        {
            var (score, foundBefore, alarmsBefore) = (scores[order[at]], found, alarms);
            for (; at < order.Count && scores[order[at]].Equals(score); at++)
            {
                if (anomalous[order[at]]) found++;
                else alarms++;
            }
            area += (alarms - alarmsBefore) * (found + foundBefore) * 0.5;
            points.Add(new(score, alarms / (double)normal, found / (double)anomalies));
        }
        return new(points, area / ((double)anomalies * normal), anomalies, normal);
    }

    /// <summary>The point where the share of anomalies found exceeds the share of false alarms most (Youden 1950).</summary>
    public RocPoint Best => Points.Skip(1).MaxBy(point => point.TruePositiveRate - point.FalsePositiveRate);
}
