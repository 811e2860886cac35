using System.Globalization;
using VaeCluster.Checkpoints;
using VaeCluster.Data.Inputs;
using VaeCluster.Models;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Latents;

/// <summary>
/// The latents of a data set as safetensors: `mean` [N, C, h, w] and, of a variational model, `logvar` of the same shape, fp32.
/// Which image a row is of stands in an index beside it, a CSV with row, name, path and label.
/// </summary>
public sealed class LatentFile : IDisposable
{
    public const string Mean = "mean", LogVariance = "logvar";
    private const string ModelKey = "vaecluster.model", WeightsKey = "vaecluster.weights_sha256", BatchKey = "vaecluster.batch", SizeKey = "vaecluster.image_size";

    private readonly SafetensorsFile file;
    private readonly SafetensorsEntry mean;
    private readonly SafetensorsEntry? logVariance;

    private LatentFile(SafetensorsFile file, SafetensorsEntry mean, IReadOnlyList<ImageOrigin> images)
    {
        (this.file, this.mean, Images) = (file, mean, images);
        logVariance = file.Find(LogVariance);
    }

    public long Count => mean.Shape[0];

    /// <summary>Of one latent.</summary>
    public SampleShape Shape => new(mean.Shape[1], mean.Shape[2], mean.Shape[3]);

    public bool HasLogVariance => logVariance is not null;

    /// <summary>Which image each row is of: from the index, or made of the row's number where there is none.</summary>
    public IReadOnlyList<ImageOrigin> Images { get; }

    /// <summary>The model as it was named to the encoder; null in a file of others.</summary>
    public string? Model => file.Metadata.GetValueOrDefault(ModelKey);

    public string? WeightsSha256 => file.Metadata.GetValueOrDefault(WeightsKey);

    /// <summary>Images that went through the encoder at once.</summary>
    public int? Batch => Number(BatchKey);

    /// <summary>Pixels per side of the images that were encoded.</summary>
    public int? ImageSize => Number(SizeKey);

    /// <exception cref="UserErrorException">It is not there, or holds no latents.</exception>
    public static LatentFile Open(string path)
    {
        SafetensorsFile? file = null;
        try
        {
            file = SafetensorsFile.Open(path);
            var mean = file.Find(Mean) ?? throw new UserErrorException($"{path}: has no tensor `{Mean}`. `vaecluster encode` writes such files.");
            if (mean.Type != SafetensorsType.F32 || mean.Shape.Count != 4)
                throw new UserErrorException($"{path}: `{Mean}` is {mean.Type.NameOf()} [{string.Join(", ", mean.Shape)}], and must be F32 [N, C, h, w].");
            if (file.Find(LogVariance) is { } other && (other.Type != mean.Type || !other.Shape.SequenceEqual(mean.Shape)))
                throw new UserErrorException($"{path}: `{LogVariance}` is not of the type and shape of `{Mean}`.");
            return new(file, mean, LatentIndex.Read(path, mean.Shape[0]));
        }
        catch (Exception e)
        {
            file?.Dispose();
            if (e is SafetensorsException or IOException or UnauthorizedAccessException) throw new UserErrorException(e.Message, e);
            throw;
        }
    }

    /// <summary>Rows [first, first + count): [count, C, h, w] on the CPU.</summary>
    public Tensor Means(long first, long count) => Read(mean, first, count);

    /// <inheritdoc cref="Means"/>
    public Tensor LogVariances(long first, long count) => Read(logVariance ?? throw new InvalidOperationException("There are no log variances."), first, count);

    /// <exception cref="UserErrorException">The model has other weights than the one that encoded, such as a later checkpoint's.</exception>
    public void ThrowIfAnother(AppliedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (WeightsSha256 is { } own && own != WeightsHash.Of(model.Model))
            throw new UserErrorException($"{file.Path}: was encoded with other weights than {model.Name} has now. Name the checkpoint with --model, or the one to decode with all the same.");
    }

    public void Dispose() => file.Dispose();

    internal static Dictionary<string, string> MetadataOf(string place, string weightsSha256, int batch, int imageSize) => new()
    {
        ["format"] = "pt",
        [ModelKey] = place,
        [WeightsKey] = weightsSha256,
        [BatchKey] = batch.ToString(CultureInfo.InvariantCulture),
        [SizeKey] = imageSize.ToString(CultureInfo.InvariantCulture),
    };

    private Tensor Read(SafetensorsEntry entry, long first, long count)
    {
        var rows = empty(Shape.Batch(count));
        file.Read(entry, first * Shape.Elements * sizeof(float), rows.bytes);
        return rows;
    }

    private int? Number(string key) =>
        file.Metadata.TryGetValue(key, out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;
}
