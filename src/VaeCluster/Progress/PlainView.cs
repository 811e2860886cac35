namespace VaeCluster.Progress;

/// <summary>Lines for a log: the first and the last step, and one every few seconds.</summary>
internal sealed class PlainView(TextWriter output, TimeProvider clock) : ITrainingView
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    private long? _last;

    public void Show(Action train) => train();

    public void Report(Snapshot snapshot)
    {
        var due = _last is not { } last || clock.GetElapsedTime(last) >= Every || snapshot.Step == snapshot.TotalSteps;
        if (!due) return;
        _last = clock.GetTimestamp();
        Note($"step {snapshot.Step}/{snapshot.TotalSteps}{(snapshot.Epoch is { } epoch ? $"  epoch {epoch}" : "")}  {snapshot.Losses}  {snapshot.Rate}  {snapshot.TimeLeft}");
    }

    public void Note(string line)
    {
        output.WriteLine(line);
        output.Flush();
    }
}
