using VaeCluster.Data.Images;
using VaeCluster.Models;
using static TorchSharp.torch;

namespace VaeCluster.Worker.Training;

/// <summary>What the model makes of images, as PNG grids: originals above reconstructions, and samples from the prior.</summary>
internal static class Pictures
{
    public const int Columns = 8;

    private const int Rows = 4;

    /// <summary>Images in a grid at most.</summary>
    public const int Count = Columns * Rows;

    /// <param name="images">[B, C, H, W] in the model's range, at most <see cref="Count"/> of them are shown.</param>
    public static void WriteReconstructions(ImageAutoencoder model, Tensor images, string path)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        model.eval();
        var shown = images.narrow(0, 0, Math.Min(images.shape[0], Count));
        var rebuilt = model.ToPicture(model.Decode(model.Encode(shown).Mean));
        var originals = (model.PixelRange == PixelRange.ZeroToOne ? shown : (shown + 1) * 0.5).clamp(0, 1);
        // A row of originals, the row of their reconstructions, and so on.
        var rows = new List<Tensor>();
        for (long start = 0; start < shown.shape[0]; start += Columns)
        {
            var count = Math.Min(Columns, shown.shape[0] - start);
            rows.Add(Padded(originals.narrow(0, start, count)));
            rows.Add(Padded(rebuilt.narrow(0, start, count)));
        }
        WriteGrid(cat(rows.ToArray(), 0), path);
        model.train();
    }

    /// <param name="seed">The same latents at each step of a run, so that pictures can be compared.</param>
    public static void WriteSamples(ImageAutoencoder model, long seed, string path)
    {
        if (!model.Variational) return; // an ordinary autoencoder has no prior
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        model.eval();
        using var generator = new Generator((ulong)seed);
        var shape = model.LatentShape;
        var latents = randn(Count, shape.Channels, shape.Height, shape.Width, generator: generator);
        WriteGrid(model.ToPicture(model.Decode(latents.to(model.parameters().First().device))), path);
        model.train();
    }

    private static Tensor Padded(Tensor row)
    {
        if (row.shape[0] == Columns) return row;
        var shape = row.shape;
        return cat([row, ones(Columns - shape[0], shape[1], shape[2], shape[3], device: row.device)], 0);
    }

    // images [rows * Columns, C, H, W] in [0, 1], with a white line of two pixels between them.
    private static void WriteGrid(Tensor images, string path)
    {
        const int gap = 2;
        var (count, channels, height, width) = (images.shape[0], (int)images.shape[1], (int)images.shape[2], (int)images.shape[3]);
        var rows = (int)(count / Columns);
        var grid = ones(channels, rows * (height + gap) - gap, Columns * (width + gap) - gap);
        using var onCpu = images.to(ScalarType.Float32).cpu();
        for (var i = 0; i < count; i++)
        {
            grid.narrow(1, i / Columns * (height + gap), height).narrow(2, i % Columns * (width + gap), width).copy_(onCpu[i]);
        }
        var bytes = (grid * 255).round().to(ScalarType.Byte).permute(1, 2, 0).contiguous(); // [H, W, C]
        ImageWriter.WritePng(path, (int)grid.shape[2], (int)grid.shape[1], channels, bytes.bytes);
    }
}
