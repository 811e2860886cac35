using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;
using VaeCluster.Protocol.V1;
using Stage = VaeCluster.Protocol.V1.WorkerStatus.Types.Stage;

namespace VaeCluster.Status;

/// <summary>A run's status as a page for people: the run above, a row per worker, then who needs a look and why.</summary>
internal static class StatusPage
{
    /// <param name="status">As the coordinator tells it.</param>
    /// <param name="note">A line on top of what the status says; null for none.</param>
    public static IRenderable Of(RunStatus status, string? note = null)
    {
        var parts = new List<IRenderable> { Run(status) };
        if (status.Workers.Count > 0) parts.Add(Workers(status));
        parts.AddRange(Remarks(status).Select(line => Text(line, "yellow")));
        if (note is not null) parts.Add(Text(note, "red"));
        return new Rows(parts);
    }

    /// <summary>Who needs a look, a sentence each.</summary>
    internal static IEnumerable<string> Remarks(RunStatus status)
    {
        foreach (var worker in status.Workers)
        {
            if (worker.Stage is Stage.Out or Stage.Lost or Stage.Leaving)
                yield return $"{worker.WorkerId} is {Name(worker.Stage)}{(worker.Reason.Length > 0 ? $": {worker.Reason}" : ".")}";
            else if (worker is { Slow: true, Stage: Stage.Contributor }) yield return $"{worker.WorkerId} is slow: {WhySlow(status, worker)}";
        }
        if (status.Workers.Count == 0) yield return "No worker has come yet.";
    }

    /// <summary>How much longer its slots take than the others', and what most of its own time goes into.</summary>
    private static string WhySlow(RunStatus status, WorkerStatus worker)
    {
        var others = status.Workers.Where(other => other.WorkerId != worker.WorkerId && other.Stage == Stage.Contributor && other.SlotSeconds > 0)
            .Select(other => other.SlotSeconds).Order().ToList();
        var text = $"{Milliseconds(worker.SlotSeconds)} ms a slot";
        if (others.Count > 0) text += $", {Number(worker.SlotSeconds / others[others.Count / 2], "0.0")} times as long as the others' median";
        if (worker.StepTime is not { Whole: > 0 } time) return text + ".";
        var (part, seconds) = new[] { ("waiting for images", time.Data), ("computing", time.Compute), ("updating", time.Update) }.MaxBy(entry => entry.Item2);
        return $"{text}; {Number(seconds / time.Whole, "P0")} of its step is {part}.";
    }

    private static Grid Run(RunStatus status)
    {
        var grid = new Grid().AddColumn(new GridColumn { NoWrap = true }).AddColumn();
        Row("run", $"{status.Run}  term {status.Term}  up {Span(status.UptimeSeconds)}");
        Row("phase", Name(status.Phase), status.Phase switch
        {
            RunStatus.Types.Phase.Running or RunStatus.Types.Phase.Completed => "green",
            RunStatus.Types.Phase.Failed => "red",
            _ => "yellow",
        });
        Row("reason", status.Reason);
        Row("step", Progress(status));
        if (status.ImagesPerSecond > 0)
            Row("rate", $"{Number(status.ImagesPerSecond, "#,0.#")} images/s{(status.StepsPerSecond > 0 ? $", {Number(status.StepsPerSecond, "0.###")} steps/s" : "")}");
        if (status.Losses is { } losses)
        {
            Row("losses", $"loss {Number(losses.Loss, "G6")} (reconstruction {Number(losses.Reconstruction, "G6")}, KL {Number(losses.Kl, "G6")})  "
                + $"gradient norm {Number(losses.GradientNorm, "G4")}  learning rate {Number(losses.LearningRate, "G4")}");
        }
        if (status.Plan is { } plan) Row("plan", Describe(plan));
        if (status.NextPlan is { } next) Row("next plan", Describe(next));
        Row("journal", $"{Number(status.RecordedSteps, "N0")} steps are safe");
        Row("checkpoint", status.Checkpoint is { } saved ? $"after step {Number(saved.CompletedSteps, "N0")}: {saved.Path}" : "none yet");
        if (status.Refused.Count > 0)
            Row("refused", string.Join(", ", status.Refused.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => $"{entry.Key} {Number(entry.Value, "N0")}")));
        return grid;

        void Row(string name, string value, string style = "default") => grid.AddRow(Text(name, "grey"), Text(value, style));
    }

    private static string Progress(RunStatus status)
    {
        var text = Number(status.CompletedSteps, "N0");
        if (status.TotalSteps == 0) return text;
        text += $" of {Number(status.TotalSteps, "N0")} ({Number((double)status.CompletedSteps / status.TotalSteps, "P1")})";
        return status.HasSecondsLeft && status.Phase == RunStatus.Types.Phase.Running ? $"{text}  {Span(status.SecondsLeft)} left" : text;
    }

    private static string Describe(Plan plan)
    {
        var contributors = plan.Members.Count(member => member.Slots > 0);
        var spares = plan.Members.Count - contributors;
        return $"{plan.Generation?.Term}.{plan.Generation?.Number}  {plan.Slots} slots over {contributors} of {plan.Members.Count} members"
            + $"{(spares > 0 ? $", {spares} spare" : "")}  {plan.Reason}";
    }

    private static Table Workers(RunStatus status)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var name in new[] { "worker", "stage", "host" }) table.AddColumn(new TableColumn(name).NoWrap());
        foreach (var name in new[] { "rank", "slots", "step", "ms a slot", "ms a step", "data", "compute", "exchange", "update", "memory", "heard" })
            table.AddColumn(new TableColumn(name).RightAligned().NoWrap());
        foreach (var worker in status.Workers)
        {
            var time = worker.StepTime;
            table.AddRow(
                Text(worker.WorkerId, "default"), Text(worker is { Slow: true, Stage: Stage.Contributor } ? $"{Name(worker.Stage)}, slow" : Name(worker.Stage), Style(worker)),
                Text($"{worker.Host}:{worker.ProcessId}", "default"),
                Cell(worker.HasRank ? $"{worker.Rank}" : ""), Cell(Slots(worker)), Cell(worker.HasCompletedSteps ? Number(worker.CompletedSteps, "N0") : ""),
                Cell(Milliseconds(worker.SlotSeconds)), Cell(Milliseconds(time?.Whole)), Cell(Milliseconds(time?.Data)), Cell(Milliseconds(time?.Compute)),
                Cell(Milliseconds(time?.Exchange)), Cell(Milliseconds(time?.Update)),
                Cell(worker.DeviceBytes > 0 ? $"{Number(worker.DeviceBytes / 1048576.0, "N0")} MiB" : ""), Cell($"{Number(worker.SilentSeconds, "0.0")} s ago"));
        }
        return table;

        static Text Cell(string text) => Text(text, "default");
    }

    private static string Slots(WorkerStatus worker) => worker.Slots switch
    {
        0 => "",
        1 => $"{worker.FirstSlot}",
        _ => $"{worker.FirstSlot}-{worker.FirstSlot + worker.Slots - 1}",
    };

    private static string Style(WorkerStatus worker) => worker.Stage switch
    {
        Stage.Out or Stage.Lost => "red",
        Stage.Contributor when !worker.Slow => "green",
        Stage.Spare => "default",
        _ => "yellow",
    };

    // What others wrote must not move the terminal's cursor.
    private static Text Text(string text, string style) =>
        new(string.Concat(text.Select(letter => char.IsControl(letter) ? '?' : letter)), Spectre.Console.Style.Parse(style));

    private static string Name<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static string Number(IFormattable value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Milliseconds(double? seconds) => seconds is > 0 ? Number(seconds.Value * 1000, seconds < 0.01 ? "0.00" : "0.0") : "";

    private static string Span(double seconds)
    {
        var span = TimeSpan.FromSeconds(Math.Clamp(double.IsFinite(seconds) ? seconds : 0, 0, TimeSpan.FromDays(9999).TotalSeconds));
        return (span.Days > 0 ? $"{span.Days} d " : "") + span.ToString(@"hh\:mm\:ss", CultureInfo.InvariantCulture);
    }
}
