using System.CommandLine;
using System.Globalization;
using VaeCluster.Applications.Latents;
using VaeCluster.Latents;
using VaeCluster.Progress;

namespace VaeCluster.Commands;

/// <summary>The latents of a data set, as a file.</summary>
internal static class EncodeCommand
{
    private static readonly Option<string> Target = new("--out") { Description = "The .safetensors file that is written; must not be there yet.", HelpName = "file", Required = true };

    private static readonly Option<int> Workers = new("--workers") { Description = "Processes that share the work.", HelpName = "n", DefaultValueFactory = _ => 1 };

    private static readonly Option<string?> Share = new("--share")
    {
        Description = "Compute share I of N alone, on any machine that sees the files; the same command without it, at last, joins them.",
        HelpName = "I/N",
    };

    private static readonly Option<bool> Attached = new("--attached") { Hidden = true };

    public static Command Create()
    {
        var command = new ExampleCommand("encode", "Write the latents of images: mean and log variance, and an index.",
            ("vaecluster encode runs/digits idx:PATH --out digits.safetensors", "stopped or killed, the same command goes on"),
            ("vaecluster encode runs/dogs photos --out dogs.safetensors --workers 4", "by four processes"),
            ("vaecluster encode runs/dogs photos --out /shared/dogs.safetensors --share 2/8", "one part of it, here"))
        {
            ModelArguments.Model, ModelArguments.Source, Target, Workers, Share, Attached,
        };
        foreach (var option in ModelArguments.OfImages.Concat(ModelArguments.OfModel)) command.Add(option);
        command.SetAction(Encode);
        return command;
    }

    private static void Encode(ParseResult parsed)
    {
        if (parsed.GetValue(Attached)) Attachment.Watch();
        using var interruption = new Interruption();
        var workers = parsed.GetValue(Workers);
        if (workers is < 1 or > 256) throw new UserErrorException($"--workers {workers}: must be from 1 to 256.");
        var share = EncodeShare.Parse(parsed.GetValue(Share));
        if (share is not null && workers > 1) throw new UserErrorException("--share is one process' part: leave --workers out.");
        using var model = ModelArguments.Open(parsed);
        var place = parsed.GetRequiredValue(ModelArguments.Model);
        using var images = model.Images([parsed.GetRequiredValue(ModelArguments.Source)], ModelArguments.Inputs(parsed));
        var target = parsed.GetRequiredValue(Target);
        var job = new EncodeJob(model, place, images, target, ModelArguments.BatchOf(parsed, model));
        job.Begin();
        var output = parsed.InvocationConfiguration.Output;
        WorkView.Run(output, "images", images.Count, progress =>
        {
            if (workers > 1) EncodeWorkers.Run(job, workers, progress, interruption.Token);
            job.ComputeMissing(share, progress, interruption.Token);
        });
        ModelArguments.Report(parsed, images);
        if (share is not null) output.WriteLine($"{job.PartsFolder}: share {share.Index} of {share.Of} is there");
        else output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{target}: {job.Join(interruption.Token):N0} latents of {model.LatentShape}, by {model.Name}"));
    }
}
