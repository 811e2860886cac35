using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace VaeCluster.Models.Tiles;

/// <summary>
/// The activations of one image, [C, H, W] fp32, in a file that ends with this object: written from the first row on, read in any
/// order, by rows. Keeps the moments of each channel as they are written, since a normalisation needs those of the whole image
/// before the first pixel. Pixel by pixel in the file, channels last, which is how the convolutions take them.
/// </summary>
internal sealed class StoredImage : IDisposable
{
    private readonly SafeFileHandle file;
    private readonly double[] means, squares; // per channel: mean, and summed squares of the deviation from it
    private readonly Device device;
    private long written; // pixels

    public StoredImage(string folder, SampleShape shape, Device device)
    {
        (Shape, this.device) = (shape, device);
        (means, squares) = (new double[shape.Channels], new double[shape.Channels]);
        file = File.OpenHandle(Path.Combine(folder, $"{Guid.NewGuid():N}.activations"), FileMode.CreateNew, FileAccess.ReadWrite,
            FileShare.None, FileOptions.DeleteOnClose);
    }

    public SampleShape Shape { get; }

    public long Pixels => Shape.Height * Shape.Width;

    private long PixelBytes => Shape.Channels * sizeof(float);

    /// <summary>Rows [first, end) as [1, C, end - first, W].</summary>
    public Tensor Rows(long first, long end)
    {
        using var scope = NewDisposeScope();
        return Take(first * Shape.Width, (end - first) * Shape.Width).view(1, end - first, Shape.Width, Shape.Channels)
            .permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>Pixels [first, first + count) as [count, C].</summary>
    public Tensor Take(long first, long count)
    {
        using var scope = NewDisposeScope();
        var pixels = empty(count, Shape.Channels);
        var bytes = pixels.bytes;
        for (var at = 0; at < bytes.Length;)
        {
            var read = RandomAccess.Read(file, bytes[at..], first * PixelBytes + at);
            if (read == 0) throw new InvalidOperationException($"Pixel {first + count} was read before it was written.");
            at += read;
        }
        return pixels.to(device).MoveToOuterDisposeScope();
    }

    /// <summary>The next rows, [1, C, rows, W].</summary>
    public void Append(Tensor rows)
    {
        using var scope = NewDisposeScope();
        AppendPixels(rows.permute(0, 2, 3, 1).reshape(-1, Shape.Channels));
    }

    /// <summary>The next pixels, [count, C].</summary>
    public void AppendPixels(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var plain = pixels.contiguous();
        AddMoments(plain);
        RandomAccess.Write(file, plain.cpu().bytes, written * PixelBytes);
        written += plain.shape[0];
    }

    /// <summary>Mean and variance of each group of channels, over the whole image.</summary>
    public (double[] Mean, double[] Variance) Moments(long groups)
    {
        if (written != Pixels) throw new InvalidOperationException($"{written} of {Pixels} pixels are written.");
        var size = (int)(Shape.Channels / groups);
        var (mean, variance) = (new double[groups], new double[groups]);
        for (var group = 0; group < groups; group++)
        {
            for (var i = 0; i < size; i++) mean[group] += means[group * size + i] / size;
            for (var i = 0; i < size; i++)
            {
                var (channel, apart) = (group * size + i, means[group * size + i] - mean[group]);
                variance[group] += (squares[channel] / Pixels + apart * apart) / size;
            }
        }
        return (mean, variance);
    }

    public void Dispose() => file.Dispose();

    /// <summary>Joins the moments of a part to those before it (Chan, Golub and LeVeque 1979).</summary>
    private void AddMoments(Tensor pixels)
    {
        var count = pixels.shape[0];
        var mean = pixels.mean([0L]);
        var deviations = (pixels - mean).square().sum(0L);
        var both = stack([mean, deviations]).cpu();
        var values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(both.bytes);
        var total = written + count;
        for (var channel = 0; channel < means.Length; channel++)
        {
            var apart = values[channel] - means[channel];
            means[channel] += apart * count / total;
            squares[channel] += values[means.Length + channel] + apart * apart * written * count / total;
        }
    }
}
