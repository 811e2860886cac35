using System.Runtime.InteropServices;
using TorchSharp;
using VaeCluster.Applications.Interchange;
using VaeCluster.Config;
using VaeCluster.Data;
using VaeCluster.Data.Images;
using VaeCluster.Data.Inputs;
using VaeCluster.Models;
using VaeCluster.Models.Objectives;
using VaeCluster.Torch;
using static TorchSharp.torch;
using PixelRange = VaeCluster.Models.PixelRange;

namespace VaeCluster.Applications;

/// <summary>
/// A trained model, to be used: in evaluation mode, without gradients, in fp32, on one device. One thread owns its tensors.
/// Tensors that go in may be anywhere; those that come out are on <see cref="Device"/>, and the caller's to dispose.
/// </summary>
public sealed class AppliedModel : IDisposable
{
    // Pixels that go through a model at once: a batch of 256 digits, of 8 photos of 256 pixels, or one of 1024.
    private const long PixelsAtOnce = 1 << 19;
    private const int MostAtOnce = 256;

    private AppliedModel(string name, string? runFolder, string? warning, RunConfig config, ImageAutoencoder model, Device device)
    {
        (Name, RunFolder, Warning, Config, Model, Device) = (name, runFolder, warning, config, model, device);
    }

    /// <summary>Where it is from, for messages and reports.</summary>
    public string Name { get; }

    /// <summary>The folder of the run that it is a checkpoint of, where it was named by that.</summary>
    public string? RunFolder { get; }

    /// <summary>Why it is not the newest checkpoint, where it is not.</summary>
    public string? Warning { get; }

    /// <summary>That it was trained under. Of a model from elsewhere: the defaults of the preset that it is.</summary>
    public RunConfig Config { get; }

    public ImageAutoencoder Model { get; }

    public Device Device { get; }

    public SampleShape InputShape => Model.InputShape;

    public SampleShape LatentShape => Model.LatentShape;

    /// <summary>What recon and beta were while it was trained.</summary>
    public ObjectiveOptions Objective => Config.Objective;

    /// <summary>The shape to which images are brought for it.</summary>
    public ImageShape ImageShape => new((int)InputShape.Channels, (int)InputShape.Height,
        Model.PixelRange == PixelRange.ZeroToOne ? Data.PixelRange.ZeroToOne : Data.PixelRange.MinusOneToOne);

    /// <summary>Images in a batch, where the user does not say.</summary>
    public int DefaultBatch => (int)Math.Clamp(PixelsAtOnce / (InputShape.Height * InputShape.Width), 1, MostAtOnce);

    /// <exception cref="UserErrorException">There is no model, or not one that can be used: the message says what to do.</exception>
    public static AppliedModel Open(ModelChoice choice)
    {
        ArgumentNullException.ThrowIfNull(choice);
        if (choice.Threads is < 0 or > 1024) throw new UserErrorException($"--threads {choice.Threads}: must be from 1 to 1024, or 0 for one on each core.");
        TorchRuntime.Start(choice.Threads > 0 ? choice.Threads : Environment.ProcessorCount);
        var device = DeviceName.Parse(choice.Device);
        List<string> switches = choice.ImageSize is { } size ? [$"model.image_size={size}"] : [];
        if (ForeignModel.OpenFiles(choice.Place) is { } foreign)
        {
            using (foreign)
            {
                if (choice.Average) throw new UserErrorException($"{choice.Place} has one set of weights. Leave --ema out.");
                return Load(choice.Place, null, null, ConfigOf(foreign, choice, switches), foreign.Weights, device);
            }
        }
        if (choice.ConfigFile is not null) throw new UserErrorException($"{choice.Place} has its configuration with it. Leave --config out.");
        using var saved = SavedModel.Open(choice.Place, choice.Checkpoint, choice.Average, switches);
        var run = File.Exists(Path.Combine(choice.Place, VaeCluster.Config.Runs.RunFolder.ConfigName)) ? choice.Place : null;
        return Load(choice.Average ? $"{saved.Name} (moving average)" : saved.Name, run, saved.Warning, saved.Config, saved.Weights, device);
    }

    /// <summary>Images [B, C, H, W] in the model's range to the mean and the log variance (null: it is not variational), each [B, latent C, H, W].</summary>
    public (Tensor Mean, Tensor? LogVariance) Encode(Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var (mean, logVariance) = Model.Encode(images.to(Device));
        return (mean.MoveToOuterDisposeScope(), logVariance?.MoveToOuterDisposeScope());
    }

    /// <summary>Latents [B, latent C, H, W] to what the decoder gives [B, C, H, W]: logits where the model decodes to them, else pixels.</summary>
    public Tensor DecodeRaw(Tensor latents)
    {
        ArgumentNullException.ThrowIfNull(latents);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        return Model.Decode(latents.to(Device)).MoveToOuterDisposeScope();
    }

    /// <summary>Latents [B, latent C, H, W] to images [B, C, H, W] in the model's range, not clamped to it.</summary>
    public Tensor Decode(Tensor latents)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        return Model.ToPixels(DecodeRaw(latents)).MoveToOuterDisposeScope();
    }

    /// <summary>z = mean + temperature * exp(logvar / 2) * noise; the mean where there is no variance.</summary>
    /// <param name="generator">On the CPU, so that all devices draw the same.</param>
    public static Tensor Sample(Tensor mean, Tensor? logVariance, Generator generator, double temperature = 1)
    {
        ArgumentNullException.ThrowIfNull(mean);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        if (logVariance is null) return mean.clone().MoveToOuterDisposeScope();
        var noise = randn(mean.shape, generator: generator).to(mean.device);
        return ImageAutoencoder.Sample(mean, logVariance, noise * temperature).MoveToOuterDisposeScope();
    }

    /// <summary>Images in the model's range to [0, 1], clamped.</summary>
    public Tensor ToUnit(Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        return (Model.PixelRange == PixelRange.ZeroToOne ? images : (images + 1) * 0.5).clamp(0, 1).MoveToOuterDisposeScope();
    }

    /// <summary>Images [B, C, H, W] in the model's range as pictures of bytes.</summary>
    public IReadOnlyList<Picture> ToPictures(Tensor images)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var bytes = (ToUnit(images).to(ScalarType.Float32) * 255).round().to(ScalarType.Byte).permute(0, 2, 3, 1).cpu().contiguous(); // [B, H, W, C]
        var (count, height, width, channels) = ((int)bytes.shape[0], (int)bytes.shape[1], (int)bytes.shape[2], (int)bytes.shape[3]);
        if (channels is not (1 or 3)) throw new UserErrorException($"{Name} makes images of {channels} channels, and pictures have 1 or 3.");
        var each = height * width * channels;
        var pictures = new Picture[count];
        for (var i = 0; i < count; i++) pictures[i] = new(width, height, channels, bytes.bytes.Slice(i * each, each).ToArray());
        return pictures;
    }

    /// <summary>Images that were read, as a tensor [B, C, H, W] in the model's range on its device.</summary>
    public Tensor ToTensor(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var plain = empty(InputShape.Batch(batch.Count));
        batch.Pixels.CopyTo(MemoryMarshal.Cast<byte, float>(plain.bytes));
        return plain.to(Device).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The images that arguments name, brought to this model's shape as its run's section `data` says. Nothing but headers is
    /// read yet.
    /// </summary>
    /// <exception cref="UserErrorException">One is missing, is no image or holds none.</exception>
    public ImageInputs Images(IReadOnlyList<string> arguments, InputOptions? options = null)
    {
        if (InputShape.Channels is not (1 or 3)) throw new UserErrorException($"{Name} takes images of {InputShape.Channels} channels, and files have 1 or 3.");
        return ImageInputs.Open(arguments, Config.Data, ImageShape, options ?? new());
    }

    public void Dispose() => Model.Dispose();

    private static AppliedModel Load(string name, string? runFolder, string? warning, RunConfig config, NamedWeights weights, Device device)
    {
        var model = ImageAutoencoder.Create(config.Model);
        try
        {
            weights.Load(model);
            model.to(device);
            model.eval();
            return new(name, runFolder, warning, config, model, device);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static RunConfig ConfigOf(ForeignModel foreign, ModelChoice choice, List<string> switches)
    {
        if (choice.ConfigFile is { } file) return ConfigSources.FromFile(file, switches).Load();
        if (foreign.Yaml.Length == 0)
            throw new UserErrorException($"{choice.Place}: does not say which model it is of. Name its configuration with --config.");
        return new ConfigSources { Text = foreign.Yaml, Name = choice.Place, Switches = switches }.Load();
    }
}
