using System.CommandLine;
using VaeCluster.Applications;
using VaeCluster.Applications.Maps;
using VaeCluster.Config.Runs;
using VaeCluster.Progress;

namespace VaeCluster.Commands;

/// <summary>What a model's latents look like, as one HTML file.</summary>
internal static class MapCommand
{
    private static readonly Option<string> Target = new("--out")
    {
        Description = "The HTML file that is written; must not be there yet.",
        HelpName = "file",
        DefaultValueFactory = _ => "map.html",
    };

    private static readonly Option<long> Limit = new("--limit") { Description = "The first so many images.", HelpName = "n", DefaultValueFactory = _ => 5000 };

    private static readonly Option<int> Side = new("--grid")
    {
        Description = "Pictures along a side of the decoded plane.",
        HelpName = "n",
        DefaultValueFactory = _ => 15,
    };

    public static Command Create()
    {
        var command = new ExampleCommand("map", "Draw the latent space: where images lie, what each number says, the decoded plane, the run's losses.",
            ("vaecluster map runs/digits idx:PATH --split test --out digits.html", "coloured by label, one HTML file"),
            ("vaecluster map runs/dogs photos --limit 500", "coloured by folder"))
        {
            ModelArguments.Model, ModelArguments.Source, Target, Limit, Side, ModelArguments.SplitName, ModelArguments.SkipBroken, ModelArguments.Batch,
        };
        foreach (var option in ModelArguments.OfModel) command.Add(option);
        command.SetAction(Map);
        return command;
    }

    private static void Map(ParseResult parsed)
    {
        using var interruption = new Interruption();
        var target = parsed.GetRequiredValue(Target);
        OutputFolder.ThrowIfThere(target);
        var side = parsed.GetValue(Side);
        if (side is < 2 or > 100) throw new UserErrorException($"--grid {side}: must be from 2 to 100.");
        using var model = ModelArguments.Open(parsed);
        var source = parsed.GetRequiredValue(ModelArguments.Source);
        using var images = model.Images([source], ModelArguments.Inputs(parsed) with { Limit = parsed.GetValue(Limit) });
        LatentMap? map = null;
        var output = parsed.InvocationConfiguration.Output;
        WorkView.Run(output, "images", images.Count, progress =>
            map = LatentMap.Of(model, images, ModelArguments.BatchOf(parsed, model), side, progress, interruption.Token));
        var run = model.RunFolder is { } folder ? RunFolder.Open(folder) : null;
        using (run) OutputFile.Write(target, MapReport.Write(map!, model, source, run is null ? null : (run.ReadMetrics(), run.ReadValidations())));
        ModelArguments.Report(parsed, images);
        output.WriteLine($"{target}: {map!.Statistics.Active} of {map.Statistics.Numbers} units are active, {map.Images.Count} images");
    }
}
