using VaeCluster.Protocol.V1;
using VaeCluster.Tests;

namespace VaeCluster.Cluster.Tests;

/// <summary>A worker that can't compute its slot leaves, and says why; what nobody can compute ends the run.</summary>
public sealed class WorkerFailureTests
{
    [Fact]
    public async Task OutOfMemory_OneOfTwoWorkers_LeavesWithItsReasonAndTheOtherGoesOn()
    {
        // Activations of 4 samples * 8 channels * 512 * 512 are beyond what malloc keeps: each pass asks the system for them.
        const string config = """
            model: {preset: conv64, image_size: 512, widths: [8, 8, 8, 8, 8], decoder_widths: [8, 8, 8, 8, 8]}
            data: {source: "shapes:?count=64&size=16", size: 512, threads: 1, prefetch_megabytes: 1}
            train: {batch: 8, slots: 2, steps: 8, seed: 7, threads: 1, validate_epochs: 0}
            """;
        var expected = TestCluster.WeightsOfOneProcess(config);
        // The limit is the process': it may hit .NET first, which dies of it without a word, as any worker may. One has to say it.
        for (var attempt = 0; attempt < 6; attempt++)
        {
            if (await SaysThatItHasNoMemoryAsync(config, expected)) return;
        }
        Assert.Fail("No worker said that it had no memory.");
    }

    /// <summary>Whether the starved worker said why it left. The other one goes on in any case.</summary>
    private static async Task<bool> SaysThatItHasNoMemoryAsync(string config, string expected)
    {
        await using var cluster = new TestCluster(config, "plans.min_members=2", "lease.forget_after=1h");
        cluster.StartWorkers(2);
        await cluster.WaitForStepAsync(1);
        await cluster.Workers["w2"].StarveAsync(more: 24 << 20);

        var status = await cluster.WaitAsync("w2 is out of the plan", status => status is { Plan.Members.Count: 1, Phase: RunStatus.Types.Phase.Running });
        await cluster.CompleteAsync();

        Assert.NotEqual(0, cluster.Workers["w2"].ExitCode);
        cluster.AssertJournal();
        Assert.True(cluster.Weights() == expected, $"The weights are others.\n{cluster.Said}");
        if (status.Plan.Reason.Contains("w2 lost its stream", StringComparison.Ordinal)) return false;
        Assert.Matches("w2 failed at slot [01] of step [0-9]+ .*can't allocate memory", status.Plan.Reason);
        Assert.Matches(@"\[worker w2\] .*can't allocate memory", cluster.Said);
        Assert.DoesNotContain("Refused (Form)", cluster.Said, StringComparison.Ordinal);
        return true;
    }

    [Fact]
    public async Task FileIsGone_SlotFailsOnTwoWorkers_TheRunEndsNamingIt()
    {
        using var images = new RunSandbox();
        var folder = images.In("images");
        await using var cluster = new TestCluster($$"""
            model: {preset: tiny, image_size: 16}
            data: {source: "shapes:{{folder}}?count=64&size=16", read: {attempts: 2}, threads: 1, prefetch_megabytes: 1}
            train: {batch: 8, slots: 8, steps: 100000, seed: 7, threads: 1, validate_epochs: 0}
            """, "plans.min_members=3");
        cluster.StartWorkers(3);
        await cluster.WaitForStepAsync(5);
        var file = Directory.EnumerateFiles(folder, "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal).First();
        File.Delete(file);

        await cluster.EndAsync(exitCode: 2);

        Assert.Matches(@"\[coordinator\] .*Slot [0-7] failed on w[123] and w[123]: .*" + Path.GetFileName(file) + " could not be read", cluster.Said);
        Assert.All(cluster.Workers.Values, worker => Assert.NotEqual(0, worker.ExitCode));
        Assert.Equal(2, cluster.Workers.Keys.Count(id => cluster.Said.Contains($"{id} is put out: it failed at slot", StringComparison.Ordinal)));
    }
}
