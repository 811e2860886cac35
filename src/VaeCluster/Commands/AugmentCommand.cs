using System.CommandLine;
using System.Globalization;
using VaeCluster.Applications;
using VaeCluster.Applications.Augmenting;
using VaeCluster.Progress;

namespace VaeCluster.Commands;

/// <summary>Variations of labelled images, to train others with.</summary>
internal static class AugmentCommand
{
    private static readonly Option<int> PerImage = new("--per-image") { Description = "Variations of each image.", HelpName = "n", Required = true };

    private static readonly Option<double> Temperature = new("--temperature")
    {
        Description = "How far: 0 is the reconstruction, 1 what the model was trained with.",
        HelpName = "t",
        DefaultValueFactory = _ => 1,
    };

    private static readonly Option<bool> Originals = new("--originals") { Description = "Write the originals too, at the model's size." };

    public static Command Create()
    {
        var command = new ExampleCommand("augment", "Enlarge a training set: variations of each image, in the folder of its label.",
            ("vaecluster augment runs/digits digits/train --out digits-more --per-image 4", "and variations.csv: how far each is from its original"),
            ("vaecluster augment runs/digits idx:PATH --split train --limit 500 --out more --per-image 4 --originals", "labels of IDX become folders"))
        {
            ModelArguments.Model, ModelArguments.Source, ModelArguments.Out, PerImage, Temperature, Originals, ModelArguments.Seed,
        };
        foreach (var option in ModelArguments.OfImages.Concat(ModelArguments.OfModel)) command.Add(option);
        command.SetAction(Augment);
        return command;
    }

    private static void Augment(ParseResult parsed)
    {
        using var interruption = new Interruption();
        var target = parsed.GetRequiredValue(ModelArguments.Out);
        OutputFolder.ThrowIfThere(target);
        using var model = ModelArguments.Open(parsed);
        using var images = model.Images([parsed.GetRequiredValue(ModelArguments.Source)], ModelArguments.Inputs(parsed));
        var augmentation = new Augmentation(parsed.GetValue(PerImage), parsed.GetValue(Temperature), parsed.GetValue(Originals), parsed.GetValue(ModelArguments.Seed));
        using var folder = OutputFolder.Create(target);
        AugmentationReport? report = null;
        var output = parsed.InvocationConfiguration.Output;
        WorkView.Run(output, "images", images.Count, progress =>
            report = augmentation.Run(model, images, folder, ModelArguments.BatchOf(parsed, model), progress, interruption.Token));
        folder.Complete();
        ModelArguments.Report(parsed, images);
        var others = report!.PsnrOfOthers is { } psnr ? string.Create(CultureInfo.InvariantCulture, $" (different images: {psnr:F2} dB from each other)") : "";
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{target}: {report.Variations:N0} variations, {report.Psnr:F2} dB from their originals{others}, {report.LatentDistance:F2} apart in the latent"));
    }
}
