using Spectre.Console;

namespace VaeCluster.Progress;

/// <summary>A bar on a terminal, with the step's numbers behind it.</summary>
internal sealed class LiveView(IAnsiConsole console) : ITrainingView
{
    private const int WidthOfNumbers = 92;

    private ProgressTask? _task;

    public void Show(Action train)
    {
        var bar = new ProgressBarColumn { Width = Math.Clamp(console.Profile.Width - WidthOfNumbers, 8, 40) };
        var numbers = new TaskDescriptionColumn { Alignment = Justify.Left };
        console.Progress().AutoClear(false).Columns(bar, numbers).Start(context =>
        {
            _task = context.AddTask("starting", autoStart: true, maxValue: 1);
            train();
            _task.StopTask();
        });
    }

    public void Report(Snapshot snapshot)
    {
        if (_task is null) return;
        _task.MaxValue = snapshot.TotalSteps;
        _task.Value = snapshot.Step;
        _task.Description = Markup.Escape($"{snapshot.Step}/{snapshot.TotalSteps}  {snapshot.Losses}  {snapshot.Rate}  {snapshot.TimeLeft}");
    }

    public void Note(string line) => console.WriteLine(line);
}
