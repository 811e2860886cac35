using System.CommandLine;
using VaeCluster.Applications;
using VaeCluster.Applications.Latents;
using VaeCluster.Progress;

namespace VaeCluster.Commands;

/// <summary>Pictures of the latents in a file.</summary>
internal static class DecodeCommand
{
    private static readonly Argument<string> Latents = new("file") { Description = "Latents, as `vaecluster encode` writes them." };

    private static readonly Option<string?> Model = new("--model") { Description = "The model; without it the one that the file names.", HelpName = "model" };

    private static readonly Option<bool> Tiled = new("--tiled") { Description = "Tile by tile, for images that are too large for the memory; the same but for the last digits." };

    public static Command Create()
    {
        var command = new ExampleCommand("decode", "Turn a file of latents into pictures.",
            ("vaecluster decode digits.safetensors --out pictures", "with the model that they were encoded with"),
            ("vaecluster decode large.safetensors --model runs/dogs --tiled --out pictures", "of any size, in little memory"))
        {
            Latents, ModelArguments.Out, Model, Tiled, ModelArguments.Batch,
        };
        foreach (var option in ModelArguments.OfModel.Where(option => option != ModelArguments.ImageSize)) command.Add(option);
        command.SetAction(Decode);
        return command;
    }

    private static void Decode(ParseResult parsed)
    {
        using var interruption = new Interruption();
        var (file, target) = (parsed.GetRequiredValue(Latents), parsed.GetRequiredValue(ModelArguments.Out));
        OutputFolder.ThrowIfThere(target);
        using var latents = LatentFile.Open(file);
        var place = parsed.GetValue(Model) ?? latents.Model ?? throw new UserErrorException($"{file}: does not say which model it was made with. Name it with --model.");
        using var model = ModelArguments.Open(parsed, place, latents.ImageSize);
        if (parsed.GetValue(Model) is null) latents.ThrowIfAnother(model);
        using var folder = OutputFolder.Create(target);
        var output = parsed.InvocationConfiguration.Output;
        WorkView.Run(output, "images", latents.Count, progress =>
            LatentDecoding.Run(model, latents, folder, ModelArguments.BatchOf(parsed), parsed.GetValue(Tiled), progress, interruption.Token));
        folder.Complete();
        output.WriteLine($"{target}: {latents.Count} pictures, by {model.Name}");
    }
}
