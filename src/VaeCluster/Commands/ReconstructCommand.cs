using System.CommandLine;
using System.Globalization;
using VaeCluster.Applications;
using VaeCluster.Applications.Reconstruction;
using VaeCluster.Progress;

namespace VaeCluster.Commands;

/// <summary>What a trained model makes of images, beside the originals.</summary>
internal static class ReconstructCommand
{
    private static readonly Option<bool> SheetsOnly = new("--sheets-only") { Description = "Tables and sheets of the worst and the best, no file for each image." };

    public static Command Create()
    {
        var command = new ExampleCommand("reconstruct", "Put images through a trained model and compare.",
            ("vaecluster reconstruct runs/digits photos/ one.png --out rebuilt", "reconstructions, error maps, PSNR and SSIM, worst.png and best.png"),
            ("vaecluster reconstruct runs/dogs folder:dogs --split validation --out rebuilt --checkpoint best", "images that it was not trained on"),
            ("vaecluster reconstruct sd-vae photo.jpg --size 512 --device cuda:0 --out rebuilt", "an exported model, at another size"))
        {
            ModelArguments.Model, ModelArguments.Images, ModelArguments.Out, SheetsOnly,
        };
        foreach (var option in ModelArguments.OfModel.Concat(ModelArguments.OfImages)) command.Options.Add(option);
        command.SetAction(Reconstruct);
        return command;
    }

    private static void Reconstruct(ParseResult parsed)
    {
        using var interruption = new Interruption();
        var (path, output) = (parsed.GetRequiredValue(ModelArguments.Out), parsed.InvocationConfiguration.Output);
        OutputFolder.ThrowIfThere(path);
        using var model = ModelArguments.Open(parsed);
        using var images = model.Images(parsed.GetRequiredValue(ModelArguments.Images), ModelArguments.Inputs(parsed));
        using var folder = OutputFolder.Create(path);
        IReadOnlyList<Reconstructed> done = [];
        WorkView.Run(output, "images", images.Count, progress => done = Reconstructor.Run(model, images, folder,
            ModelArguments.BatchOf(parsed, model), !parsed.GetValue(SheetsOnly), progress, interruption.Token));
        folder.Complete();
        ModelArguments.Report(parsed, images);
        var mean = Reconstructed.Mean(done);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{path}: {model.Name}; PSNR {mean.Psnr:F2} dB, SSIM {mean.Ssim:F4} on average; ")
            + $"worst {done[0].Image.Name}, best {done[^1].Image.Name}");
    }
}
