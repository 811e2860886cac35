using System.Text.Json.Nodes;
using VaeCluster.Config;
using VaeCluster.Config.Runs;
using VaeCluster.Coordinator.Runs;
using VaeCluster.Data;

namespace VaeCluster.Tests;

/// <summary>The real program on run folders: 12 images, 5 a step, so an epoch has steps of 5, 5 and 2.</summary>
public sealed class JournalCommandTests : IDisposable
{
    private readonly RunSandbox sandbox = new();
    private readonly RunFolder folder;

    public JournalCommandTests()
    {
        var images = Directory.CreateDirectory(sandbox.In("images")).FullName;
        for (var image = 0; image < 12; image++) Data.Images.ImageWriter.WritePng(Path.Combine(images, $"{image}.png"), 28, 28, 1, new byte[28 * 28]);
        var config = ConfigSources.FromFile(sandbox.Write("config.yaml", $$"""
            model: {preset: mnist}
            data: {source: "folder:{{images}}", split: {share: 1} }
            train: {batch: 5, slots: 4, steps: 20}
            """)).Load();
        folder = RunFolder.Prepare(sandbox.Run);
        folder.Begin(config);
        using (var data = DataSet.Open(config.Data)) data.Manifest.Save(folder.ManifestPath);
        Directory.Delete(images, recursive: true); // the manifest is enough
    }

    public void Dispose()
    {
        folder.Dispose();
        sandbox.Dispose();
    }

    [Fact]
    public async Task Verify_GoodJournal_ExitsWithZero()
    {
        await WriteAsync(1, 4, Steps("1.1", 0, 5));
        await WriteAsync(2, 4, Steps("2.1", 4, 3)); // step 4 again, to the same result

        var run = ProgramRun.Of("journal", "verify", folder.Path).AssertSuccess();

        foreach (var part in new[] { "12 to train with (manifest), 5 a step in 4 slots", "0 to 6, 1 done again", "2 whole", "good: " })
            Assert.Contains(part, run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_Mistakes_AreListedWithOne()
    {
        // A sample too many in the first epoch, a step that is missing, one done again with another result.
        var steps = Steps("1.1", 0, 5).ToList();
        steps[2] = steps[2] with { Samples = 3 };
        await WriteAsync(1, 4, [.. steps[..3], steps[4], steps[4] with { Loss = 7 }]);

        var run = ProgramRun.Of("journal", "verify", folder.Path, "--json");

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(
            [
                "Step 4 was done under plans 1.1 and 1.1 with different results.",
                "Step 2 had 3 samples from 10 of epoch 0 on; the configuration gives it 2 from 10 of epoch 0 on.",
                "Step 2 reaches beyond the epoch's 12 samples.",
                "Step 3 is missing.",
            ], JsonNode.Parse(run.Output)!["mistakes"]!.AsArray().Select(mistake => (string)mistake!));
    }

    [Fact]
    public async Task Verify_AnotherRunsJournal_DoesNotPass()
    {
        await WriteAsync(1, 8, Steps("1.1", 1, 2, slots: 8));

        var run = ProgramRun.Of("journal", "verify", folder.Path);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("2 mistakes", run.Output, StringComparison.Ordinal);
        Assert.Contains("Term 1 cut a step into 8 slots, the configuration into 4.", run.Output, StringComparison.Ordinal);
        Assert.Contains("Step 0 is missing.", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_NothingToVerify_IsNamed()
    {
        ProgramRun.Of("journal", "verify", sandbox.In("nowhere")).AssertUserError("there is no such folder");
        ProgramRun.Of("journal", "verify", folder.Path).AssertUserError("there is no journal in it");
        Directory.CreateDirectory(folder.JournalPath);
        File.Delete(folder.ManifestPath);
        ProgramRun.Of("journal", "verify", folder.Path).AssertUserError(sandbox.In("images"));
        File.WriteAllText(folder.ManifestPath, new string('x', 200));
        ProgramRun.Of("journal", "verify", folder.Path).AssertUserError("is no manifest");
    }

    private async Task WriteAsync(ulong term, int slots, IEnumerable<StepEntry> steps)
    {
        await using var journal = new Journal(folder.JournalPath, null, term, _ => default, Assert.Fail, TimeProvider.System);
        journal.Append(new TermEntry("run-1", term, slots, "host", DateTimeOffset.UnixEpoch));
        journal.Append(new PlanEntry($"{term}.1", 0, [new("w1", 0, slots)], "Start", "."));
        foreach (var step in steps) journal.Append(step);
    }

    private static IEnumerable<StepEntry> Steps(string generation, ulong first, ulong count, int slots = 4)
    {
        for (var step = first; step < first + count; step++)
            yield return new StepEntry(step, generation, step / 3, step % 3 * 5, step % 3 == 2 ? 2u : 5, 1.0 / (slots + (int)step), 0, 0, 0, false, null);
    }
}
