using VaeCluster.Data.Pipeline;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Tests.Images;

/// <summary>All images of a source as the trainer gets them.</summary>
internal sealed record LoadedImages(IReadOnlyList<string> Paths, float[] Pixels, ImageShape Shape)
{
    public static LoadedImages Of(DataOptions options, ImageShape shape)
    {
        options.Split = new SplitOptions { By = SplitMode.Share, Share = 1 };
        options.Shuffle = false;
        using var data = DataSet.Open(options, cancellation: TestContext.Current.CancellationToken);
        return Of(data, shape, augment: false);
    }

    public static LoadedImages Of(DataSet data, ImageShape shape, bool augment, ulong seed = 1, long epoch = 0)
    {
        var count = (int)data.Manifest.Count(Split.Train);
        var samples = new Data.Order.StepSamples(count, 1, 1, seed, Shuffle: false);
        using var pipeline = new SlotPipeline(data, new PipelineOptions(Split.Train, samples, shape, augment));
        pipeline.Aim(0, 1, epoch * count);
        var pixels = new float[count * shape.Values];
        for (var step = 0; step < count; step++)
        {
            using var batch = pipeline.Take(epoch * count + step, 0, TestContext.Current.CancellationToken);
            batch.Pixels.CopyTo(pixels.AsSpan(step * shape.Values));
        }
        var paths = Enumerable.Range(0, count).Select(i => Path.Combine(data.Root, data.Manifest[data.Manifest.SampleOf(Split.Train, i)].Path));
        return new LoadedImages([.. paths], pixels, shape);
    }

    /// <summary>The bytes of image i: values of [0, 1] times 255.</summary>
    public byte[] BytesOf(int index) => [.. Pixels.Skip(index * Shape.Values).Take(Shape.Values).Select(value => (byte)MathF.Round(value * 255))];

    public double MeanDifference(int index, ReadOnlySpan<byte> reference)
    {
        var bytes = BytesOf(index);
        var sum = 0L;
        for (var i = 0; i < bytes.Length; i++) sum += Math.Abs(bytes[i] - reference[index * Shape.Values + i]);
        return (double)sum / bytes.Length;
    }
}
