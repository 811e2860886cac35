using System.Diagnostics;
using System.Text.Json.Nodes;
using VaeCluster.Coordinator.Tests;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Tests.Status;

/// <summary>The real program against a real coordinator.</summary>
public sealed class StatusCommandTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    // Two workers; the plan deals each of them slots, and the second takes five times as long for one.
    private readonly ScriptedWorker quick = new("w-quick") { TotalSteps = 40 };
    private readonly ScriptedWorker slow = new("w-slow") { TotalSteps = 40, SlotSeconds = 0.05 };

    [Fact]
    public async Task Status_OfARun_ShowsPlanMembersAndWhoIsSlow()
    {
        await using var sandbox = await RunningAsync();

        var page = ProgramRun.Of("status", sandbox.Address).AssertSuccess().Output;

        string[] parts =
        [
            sandbox.Run, "running", "0 of 40 (0.0 %)", "100 images/s, 10 steps/s", "loss 1.5", "8 slots over 2 of 2 members", "w-quick", "contributor",
            "test:1", "none yet", "w-slow is slow: 50.0 ms a slot, 5.0 times as long as the others' median",
        ];
        Assert.All(parts, part => Assert.Contains(part, page, StringComparison.Ordinal));
        Assert.DoesNotContain('\u001b', page);
    }

    [Fact]
    public async Task Status_Json_HasEveryFieldInSnakeCase()
    {
        await using var sandbox = await RunningAsync();

        var status = JsonNode.Parse(ProgramRun.Of("status", sandbox.Address, "--json").AssertSuccess().Output)!.AsObject();

        Assert.Equal(RunStatus.Descriptor.Fields.InFieldNumberOrder().Select(field => field.Name), status.Select(entry => entry.Key));
        Assert.Equal("running", (string?)status["phase"]);
        Assert.Equal(40, (int)status["total_steps"]!); // a number: jq compares strings as greater than any
        Assert.Equal(4.0, (double)status["seconds_left"]!, 1e-9);
        Assert.Null(status["checkpoint"]);
        Assert.Equal(8, status["plan"]!["members"]!.AsArray().Sum(member => (int)member!["slots"]!));
        var worker = status["workers"]!.AsArray().Single(one => (string?)one!["worker_id"] == "w-slow")!;
        Assert.Equal(("contributor", true, 0.05), ((string?)worker["stage"], (bool)worker["slow"]!, (double)worker["slot_seconds"]!));
    }

    [Fact]
    public async Task Watch_ThroughALossToTheEnd_ShowsBothAndEnds()
    {
        await using var sandbox = await RunningAsync();
        using var watch = Watch(sandbox, out var lines);
        await lines.UntilAsync("running");

        await sandbox.SayAsync(slow, slow.SlotFailed(5, "out of memory on cuda:0"));
        await lines.UntilAsync("w-slow is out: It failed at slot 5 of step 0 (out of memory on cuda:0).");
        await sandbox.UntilAsync(status => status.Phase == RunStatus.Types.Phase.Running && status.Plan.Members.All(member => member.WorkerId == quick.Id)
            && quick.Plan?.Generation.Equals(status.Plan.Generation) == true, "the plan without it");
        for (var step = 0UL; step < 40; step++) await sandbox.SayAsync(quick, quick.Record(step));
        quick.CompletedSteps = 40;
        await sandbox.SayAsync(quick, quick.Heartbeat());

        await watch.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken);
        Assert.Equal(0, watch.ExitCode);
        await lines.UntilAsync("40 of 40 (100.0 %)");
        await lines.UntilAsync("completed");
    }

    [Fact]
    public async Task Watch_CoordinatorLeaves_GoesOnAndEndsWithCtrlC()
    {
        var sandbox = await RunningAsync();
        using var watch = Watch(sandbox, out var lines);
        await lines.UntilAsync("running");

        await sandbox.DisposeAsync();
        await lines.UntilAsync("nobody answers there");
        Assert.False(watch.HasExited);

        ProgramRun.Shell($"kill -INT {watch.Id}").AssertSuccess();
        await watch.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Deadline, TestContext.Current.CancellationToken);
        Assert.Equal(0, watch.ExitCode);
    }

    [Fact]
    public async Task Watch_OnATerminal_DrawsThePageInPlace()
    {
        await using var sandbox = await RunningAsync();

        // script(1) gives the program a terminal of its own.
        var run = ProgramRun.Shell($$"""
            command -v script >/dev/null || exit 77
            export TERM=xterm COLUMNS=200
            env --default-signal timeout -k 10 -s INT 6 script -qec 'stty cols 200 rows 50; exec "$VAECLUSTER_PROGRAM" status {{sandbox.Address}} --watch' /dev/null
            """);
        if (run.ExitCode == 77) Assert.Skip("there is no script(1) here");

        Assert.True(run.Output.Split("w-slow is slow").Length > 2, run.Output); // more than one drawing
        Assert.Contains("\u001b[", run.Output, StringComparison.Ordinal); // which goes back up to the first line
    }

    private async Task<CoordinatorSandbox> RunningAsync()
    {
        var sandbox = await CoordinatorSandbox.StartAsync(options => options.Plans.MinMembers = 2);
        await sandbox.JoinAsync(quick);
        await sandbox.JoinAsync(slow);
        await sandbox.UntilAsync(status => status is { Phase: RunStatus.Types.Phase.Running, ImagesPerSecond: > 0 } && status.Workers.All(worker => worker.SlotSeconds > 0), "a plan and its figures");
        return sandbox;
    }

    private static Process Watch(CoordinatorSandbox sandbox, out Lines lines)
    {
        // The tests may have been started with SIGINT ignored, as a shell's background job is: env gives it back.
        var process = Process.Start(ProgramRun.Describe("/usr/bin/env", ["--default-signal", ProgramRun.ProgramPath, "status", sandbox.Address, "--watch"]))!;
        lines = new Lines(process);
        return process;
    }

    /// <summary>What a process has written so far.</summary>
    private sealed class Lines
    {
        private readonly List<string> all = [];

        public Lines(Process process)
        {
            process.OutputDataReceived += (_, line) => Add(line.Data);
            process.ErrorDataReceived += (_, line) => Add(line.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        public async Task UntilAsync(string part)
        {
            for (var started = TimeProvider.System.GetTimestamp(); !Text.Contains(part, StringComparison.Ordinal);)
            {
                Assert.True(TimeProvider.System.GetElapsedTime(started) < Deadline, $"Waited {Deadline} for \"{part}\" in:\n{Text}");
                await Task.Delay(10, TestContext.Current.CancellationToken);
            }
        }

        private string Text
        {
            get
            {
                lock (all) return string.Join('\n', all);
            }
        }

        private void Add(string? line)
        {
            lock (all) all.Add(line ?? "");
        }
    }
}
