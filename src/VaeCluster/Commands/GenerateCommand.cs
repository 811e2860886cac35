using System.CommandLine;
using VaeCluster.Applications;
using VaeCluster.Applications.Generation;
using VaeCluster.Progress;

namespace VaeCluster.Commands;

/// <summary>New pictures from a trained model.</summary>
internal static class GenerateCommand
{
    private static readonly Option<int> Count = new("--count") { Description = "Samples or variations.", HelpName = "n", DefaultValueFactory = _ => 64 };

    private static readonly Option<double> Temperature = new("--temperature")
    {
        Description = "What the deviation of the draws is multiplied by: below 1 more typical, above more varied.",
        HelpName = "t",
        DefaultValueFactory = _ => 1,
    };

    private static readonly Option<string?> Variations = new("--variations") { Description = "Draw from q(z|x) of this image.", HelpName = "image" };

    private static readonly Option<string[]> Interpolate = new("--interpolate")
    {
        Description = "Go from one image to another, on a line and on a great circle.",
        HelpName = "image image",
        Arity = new ArgumentArity(2, 2),
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<string?> Traverse = new("--traverse") { Description = "Change this image along the most active latents, one at a time.", HelpName = "image" };

    private static readonly Option<string[]> By = new("--by")
    {
        Description = "Images over which --traverse ranks the latents by KL; without them, by the image's own.",
        HelpName = "images",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };

    private static readonly Option<int> Steps = new("--steps") { Description = "Pictures of a strip or a row.", HelpName = "n", DefaultValueFactory = _ => 9 };

    private static readonly Option<int> Latents = new("--latents") { Description = "Rows of --traverse.", HelpName = "n", DefaultValueFactory = _ => 10 };

    public static Command Create()
    {
        var command = new ExampleCommand("generate", "Make new pictures with a trained model.",
            ("vaecluster generate runs/digits --out samples", "64 samples of the prior, as files and as a grid"),
            ("vaecluster generate runs/digits --count 16 --temperature 0.7 --seed 3 --out typical", "more typical ones, others"),
            ("vaecluster generate runs/dogs --variations rex.jpg --count 15 --out rexes", "one image as the model could have drawn it"),
            ("vaecluster generate runs/dogs --interpolate rex.jpg bella.jpg --steps 11 --out between", "a strip, and two animations"),
            ("vaecluster generate runs/digits --traverse seven.png --by idx:mnist --out walks", "what each latent does"))
        {
            ModelArguments.Model, ModelArguments.Out, Count, Temperature, Variations, Interpolate, Traverse, By, Steps, Latents, ModelArguments.Seed, ModelArguments.Batch,
        };
        foreach (var option in ModelArguments.OfModel) command.Options.Add(option);
        command.Options.Add(ModelArguments.Limit);
        command.Validators.Add(result =>
        {
            var ways = new Option[] { Variations, Interpolate, Traverse }.Where(option => result.GetResult(option) is { Implicit: false }).ToList();
            if (ways.Count > 1) result.AddError($"{string.Join(" and ", ways.Select(way => way.Name))}: give one of them.");
        });
        command.SetAction(Generate);
        return command;
    }

    private static void Generate(ParseResult parsed)
    {
        using var interruption = new Interruption();
        var (path, output) = (parsed.GetRequiredValue(ModelArguments.Out), parsed.InvocationConfiguration.Output);
        var (count, temperature, steps) = (parsed.GetValue(Count), parsed.GetValue(Temperature), parsed.GetValue(Steps));
        if (count < 1) throw new UserErrorException($"--count {count}: must be at least 1.");
        if (!(temperature >= 0) || !double.IsFinite(temperature)) throw new UserErrorException($"--temperature {temperature}: must be a number from 0 on.");
        OutputFolder.ThrowIfThere(path);
        using var model = ModelArguments.Open(parsed);
        var named = Named(parsed);
        using var images = named.Length == 0 ? null : model.Images(named, new() { Limit = parsed.GetValue(ModelArguments.Limit) });
        using var folder = OutputFolder.Create(path);
        var generator = new ImageGenerator(model, folder, ModelArguments.BatchOf(parsed, model), parsed.GetValue(ModelArguments.Seed));
        var stop = interruption.Token;
        if (images is null)
            WorkView.Run(output, "images", count, progress => generator.Samples(count, temperature, progress, stop));
        else if (parsed.GetValue(Variations) is not null)
            WorkView.Run(output, "images", count, progress => generator.Variations(images, count, temperature, progress, stop));
        else if (parsed.GetValue(Traverse) is not null)
            WorkView.Run(output, "images", (long)parsed.GetValue(Latents) * steps, progress => generator.Traversal(images, parsed.GetValue(Latents), steps, progress, stop));
        else
            WorkView.Run(output, "images", ImageGenerator.InterpolationCount(steps), progress => generator.Interpolation(images, steps, progress, stop));
        folder.Complete();
        if (images is not null) ModelArguments.Report(parsed, images);
        output.WriteLine($"{path}: {model.Name}");
    }

    private static string[] Named(ParseResult parsed)
    {
        if (parsed.GetValue(Variations) is { } image) return [image];
        if (parsed.GetValue(Traverse) is { } walked) return [walked, .. parsed.GetValue(By) ?? []];
        return parsed.GetValue(Interpolate) ?? [];
    }
}
