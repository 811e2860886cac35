using System.Text.Json.Nodes;

namespace VaeCluster.Tests;

/// <summary>The commands that use a trained model, as a user types them: one short run for all of them.</summary>
public sealed class ModelCommandTests(TrainedRun trained) : IClassFixture<TrainedRun>
{
    [Fact]
    public void Reconstruct_RunAndItsExport_WriteTheSamePictures()
    {
        RunSandbox.Start("export", "safetensors", trained.Run, trained.In("exported.safetensors")).AssertSuccess();
        foreach (var (model, name) in new[] { (trained.Run, "by-run"), (trained.In("exported.safetensors"), "by-export") })
        {
            var run = RunSandbox.Start("reconstruct", model, trained.Images, "--limit", "5", "--threads", "1", "--out", trained.In(name)).AssertSuccess();
            Assert.Contains("5 images in", run.Output, StringComparison.Ordinal);
            // The shapes are colour, the model grey.
            Assert.Contains("5 from colour to grey", run.Errors, StringComparison.Ordinal);
        }
        Assert.Equal(File.ReadAllText(trained.In("by-run/scores.csv")), File.ReadAllText(trained.In("by-export/scores.csv")));
        Assert.Equal(5, Directory.GetFiles(trained.In("by-run/comparisons"), "*.png", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public void Evaluate_Json_HoldsItsFigures()
    {
        var run = RunSandbox.Start("evaluate", trained.Run, trained.Images, "--limit", "8", "--samples", "3", "--split", "validation", "--json").AssertSuccess();
        var report = JsonNode.Parse(run.Output)!;
        Assert.Equal(8, (int)report["images"]!);
        Assert.True((double)report["iw_nll"]! < (double)report["negative_elbo"]!);
        Assert.Equal(32, (int)report["units"]!);
    }

    [Fact]
    public void Any_BadInput_IsAUserErrorAndWritesNothing()
    {
        var (there, text, empty, gone) = (trained.In("there"), trained.In("text.png"), trained.In("empty"), trained.In("out"));
        File.WriteAllText(text, "no picture");
        Directory.CreateDirectory(there);
        Directory.CreateDirectory(empty);
        RunSandbox.Start("reconstruct", trained.Run, trained.Images, "--out", there).AssertUserError("is there already");
        RunSandbox.Start("reconstruct", trained.Run, text, empty, "--out", gone).AssertUserError("text.png: is no image", "holds no images");
        RunSandbox.Start("generate", text, "--out", gone).AssertUserError("text.png");
        RunSandbox.Start("generate", trained.Run, "--interpolate", text, trained.In("missing.png"), "--out", gone).AssertUserError("is no image", "there is no such file");
        RunSandbox.Start("generate", trained.Run, "--variations", "a.png", "--traverse", "b.png", "--out", gone).AssertUserError("give one of them");
        RunSandbox.Start("generate", trained.Run, "--batch", "0", "--out", gone).AssertUserError("--batch 0: must be at least 1");
        RunSandbox.Start("evaluate", trained.Run, trained.Images, "--samples", "0").AssertUserError("--samples 0: must be at least 1");
        Assert.Empty(Directory.EnumerateFileSystemEntries(there));
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(trained.Root), path => Path.GetFileName(path).StartsWith("out", StringComparison.Ordinal));
    }
}
