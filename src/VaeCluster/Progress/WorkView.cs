using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace VaeCluster.Progress;

/// <summary>How far a command is that goes through images: a bar on a terminal, nothing elsewhere, and at the end a line with the rate.</summary>
internal static class WorkView
{
    private const int WidthOfNumbers = 40;

    /// <param name="output">Where the last line goes.</param>
    /// <param name="unit">What is counted, such as images.</param>
    /// <param name="total">How many there are.</param>
    /// <param name="work">Reports how many are done; on the thread that calls this.</param>
    public static void Run(TextWriter output, string unit, long total, Action<IProgress<long>> work)
    {
        var clock = Stopwatch.StartNew();
        var done = new Counter();
        if (Terminal.IsLive) Show(Terminal.On(output), unit, total, done, work);
        else work(done);
        var seconds = clock.Elapsed.TotalSeconds;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{done.Value:N0} {unit} in {seconds:F1} s, {done.Value / seconds:N1} {unit}/s"));
    }

    private static void Show(IAnsiConsole console, string unit, long total, Counter done, Action<IProgress<long>> work)
    {
        var bar = new ProgressBarColumn { Width = Math.Clamp(console.Profile.Width - WidthOfNumbers, 8, 40) };
        var numbers = new TaskDescriptionColumn { Alignment = Justify.Left };
        console.Progress().AutoClear(true).Columns(bar, numbers, new RemainingTimeColumn()).Start(context =>
        {
            var task = context.AddTask("starting", autoStart: true, maxValue: Math.Max(1, total));
            done.Changed = value =>
            {
                task.Value = value;
                task.Description = Markup.Escape(string.Create(CultureInfo.InvariantCulture, $"{value:N0}/{total:N0} {unit}"));
            };
            work(done);
        });
    }

    private sealed class Counter : IProgress<long>
    {
        public long Value { get; private set; }

        public Action<long>? Changed { get; set; }

        public void Report(long value)
        {
            Value = value;
            Changed?.Invoke(value);
        }
    }
}
