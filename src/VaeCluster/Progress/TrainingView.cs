using System.Globalization;

namespace VaeCluster.Progress;

/// <summary>What is to be seen of a step.</summary>
internal readonly record struct Snapshot(
    long Step, long TotalSteps, long? Epoch, double Loss, double Recon, double Kl, double ImagesPerSecond, TimeSpan Left)
{
    public string Losses => $"loss {Text(Loss)} (recon {Text(Recon)} + KL {Text(Kl)})";

    public string Rate => $"{ImagesPerSecond.ToString(ImagesPerSecond < 10 ? "F1" : "F0", CultureInfo.InvariantCulture)} images/s";

    public string TimeLeft => $"{(Left.TotalHours >= 1 ? $"{(long)Left.TotalHours}:{Left.Minutes:00}" : $"{Left.Minutes}")}:{Left.Seconds:00} left";

    private static string Text(double value) => value.ToString(Math.Abs(value) < 1e6 ? "G5" : "E2", CultureInfo.InvariantCulture);
}

/// <summary>Shows a training run: as a live bar, or as lines in a log.</summary>
internal interface ITrainingView
{
    /// <summary>Runs the training and shows what it reports meanwhile.</summary>
    void Show(Action train);

    void Report(Snapshot snapshot);

    /// <summary>A line that stays: a validation, a picture.</summary>
    void Note(string line);
}
