using System.Globalization;
using VaeCluster.Config.Runs;
using VaeCluster.Progress;
using VaeCluster.Protocol.V1;
using VaeCluster.Status;

namespace VaeCluster.Cluster;

/// <summary>
/// A run on this machine: starts a coordinator and workers as processes, shows how they get on, and ends them. None is
/// started again: what has ended is said, and the others go on.
/// </summary>
/// <param name="folder">The run's folder; the coordinator locks it and writes to it.</param>
/// <param name="runArguments">Of the command line: what the coordinator is told of the run.</param>
/// <param name="devices">One for each worker.</param>
/// <param name="view">Shows it.</param>
internal sealed class LocalCluster(RunFolder folder, IReadOnlyList<string> runArguments, IReadOnlyList<string> devices, ITrainingView view)
{
    private static readonly TimeSpan LookTime = TimeSpan.FromMilliseconds(250);

    /// <summary>For the coordinator to end by itself, behind workers that are done: it waits for their records.</summary>
    private static readonly TimeSpan EndTime = TimeSpan.FromMinutes(6);

    /// <summary>For it to end when it is asked to.</summary>
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(60);

    private const string AnyPort = "http://127.0.0.1:0";

    private readonly HashSet<ChildProcess> ended = [];
    private RunStatus? status;
    private string planShown = "";
    private int validationsShown = -1;
    private long stepShown;

    public int Run(CancellationToken interruption)
    {
        // Sockets need short paths, and nobody else's business they are.
        var sockets = Directory.CreateTempSubdirectory("vaecluster-");
        try
        {
            return RunAsync(sockets.FullName, interruption).GetAwaiter().GetResult();
        }
        finally
        {
            sockets.Delete(recursive: true);
        }
    }

    private async Task<int> RunAsync(string sockets, CancellationToken interruption)
    {
        // 1. The coordinator, which refuses what can't be trained.
        var address = $"unix:{sockets}/coordinator";
        using var coordinator = Start("coordinator",
            ["coordinator", .. runArguments, "--listen", address, "--metrics", AnyPort, "--option", $"plans.min_members={devices.Count}", "--attached"]);
        using var access = CoordinatorAccess.To(address);
        while (!File.Exists($"{sockets}/coordinator"))
        {
            if (await coordinator.WaitAsync(LookTime).ConfigureAwait(false)) return Refused(coordinator);
            if (interruption.IsCancellationRequested) return ExitCodes.Interrupted;
        }

        // 2. The workers.
        var workers = devices.Select((device, i) => Start($"worker-{i + 1}",
            ["worker", "--coordinator", address, "--id", $"worker-{i + 1}", "--listen", $"unix:{sockets}/worker-{i + 1}", "--device", device, "--attached"])).ToList();
        try
        {
            // 3. Until all of them have ended: done, stopped, or lost.
            view.Show(() => WatchAsync(coordinator, workers, access, interruption).GetAwaiter().GetResult());
            if (workers.TrueForAll(worker => worker is { HasExited: true, ExitCode: ExitCodes.Success })) await coordinator.WaitAsync(EndTime).ConfigureAwait(false);
            else coordinator.AskToEnd();
            await coordinator.WaitAsync(StopTime).ConfigureAwait(false);
            return End(coordinator, workers, interruption.IsCancellationRequested);
        }
        finally
        {
            foreach (var worker in workers) worker.Dispose();
        }
    }

    private async Task WatchAsync(ChildProcess coordinator, List<ChildProcess> workers, CoordinatorAccess access, CancellationToken interruption)
    {
        var asked = false;
        while (workers.Exists(worker => !worker.HasExited))
        {
            if (interruption.IsCancellationRequested && !asked)
            {
                asked = true;
                view.Note("Stopping: the step in hand is finished, and the state is saved.");
                foreach (var worker in workers) worker.AskToEnd();
            }
            foreach (var worker in workers.Where(worker => worker.HasExited && ended.Add(worker) && worker.ExitCode != ExitCodes.Success && !asked)) Tell(worker);
            if (coordinator.HasExited && ended.Add(coordinator) && coordinator.ExitCode != ExitCodes.Success) Tell(coordinator);
            // Nobody has begun, and who is missing does not come.
            if (status?.Plan is null && ended.Count > 0 && !asked)
            {
                asked = true;
                foreach (var worker in workers) worker.AskToEnd();
            }
            await ShowAsync(access).ConfigureAwait(false);
            await Task.Delay(LookTime, CancellationToken.None).ConfigureAwait(false);
        }
        foreach (var worker in workers.Where(worker => ended.Add(worker) && worker.ExitCode != ExitCodes.Success && !asked)) Tell(worker);
        await ShowAsync(access).ConfigureAwait(false);
        ShowValidations();
    }

    private async Task ShowAsync(CoordinatorAccess access)
    {
        try
        {
            using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            status = await access.GetStatusAsync(soon.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is UserErrorException or OperationCanceledException)
        {
            // It is away; the workers train on, and the last it said stands.
            return;
        }
        if (status.Plan is { } plan)
        {
            var shown = $"plan {plan.Generation.Term}.{plan.Generation.Number}: "
                + string.Join(", ", plan.Members.Select(member => $"{member.WorkerId} {(member.Slots == 0 ? "spare" : $"{member.Slots} slots")}")) + $". {plan.Reason}";
            if (shown != planShown) view.Note(planShown = shown);
        }
        ShowValidations();
        if ((long)status.CompletedSteps == stepShown || status.CompletedSteps == 0 || status.Losses is not { } losses) return;
        stepShown = (long)status.CompletedSteps;
        view.Report(new Snapshot((long)status.CompletedSteps, (long)status.TotalSteps, null, losses.Loss, losses.Reconstruction, losses.Kl,
            status.ImagesPerSecond, TimeSpan.FromSeconds(status.SecondsLeft)));
    }

    private void ShowValidations()
    {
        var rows = folder.ReadValidations();
        // Those of the processes before this one were shown by them.
        if (validationsShown < 0) validationsShown = rows.Count;
        foreach (var row in rows.Skip(validationsShown)) view.Note(row.Sentence);
        validationsShown = rows.Count;
    }

    private int End(ChildProcess coordinator, List<ChildProcess> workers, bool interrupted)
    {
        var summary = folder.HoldsRun ? folder.ReadSummary() : null;
        // Of this coordinator: a run that goes on once more was finished before.
        if (summary?.Finished == true && coordinator is { HasExited: true, ExitCode: ExitCodes.Success })
        {
            view.Note($"Finished after step {summary.Step}: {folder.Path}");
            return ExitCodes.Success;
        }
        var failed = coordinator is { HasExited: true, ExitCode: ExitCodes.UserError } ? coordinator : workers.Find(worker => worker.ExitCode == ExitCodes.UserError);
        if (!interrupted && failed is not null) return ExitCodes.UserError;
        var again = string.Create(CultureInfo.InvariantCulture, $"vaecluster train --run {folder.Path} --workers {workers.Count}");
        var done = summary is null ? "" : $" after step {summary.Step} of {summary.TotalSteps}";
        view.Note(interrupted ? $"Stopped{done}. To go on: {again}" : $"All workers are gone{done}. To go on: {again}");
        return interrupted ? ExitCodes.Interrupted : ExitCodes.Bug;
    }

    private static int Refused(ChildProcess coordinator)
    {
        foreach (var line in coordinator.LastLines) Console.Error.WriteLine(line);
        return coordinator.ExitCode;
    }

    private void Tell(ChildProcess child)
    {
        var code = child.ExitCode;
        view.Note($"{child.Name} (process {child.Id}) ended with exit code {code}{(code > 128 ? $", by signal {code - 128}" : "")}. {(child.LastLines.Count > 0 ? child.LastLines[^1] : "")}".TrimEnd());
    }

    private ChildProcess Start(string name, IReadOnlyList<string> arguments) =>
        ChildProcess.Start(name, Path.Combine(folder.Path, "logs", $"{name}.log"), arguments);
}
