using VaeCluster.Data.Order;

namespace VaeCluster.Data.Images;

/// <summary>
/// From a decoded image to the model's input, in two parts. The first is the same in every epoch, so it is what a cache
/// keeps: upright, cropped and resized as far as nothing random comes before. The second draws from (seed, epoch, sample).
/// Sizes and offsets round as torchvision's Resize and CenterCrop do.
/// </summary>
internal sealed class ImageTransform
{
    // An image so long and thin that its resized whole would be this many times the model's input is not resized whole.
    private const long MostResized = 256;

    private readonly ResizeMode resize;
    private readonly int? cropSize;
    private readonly bool flip;
    private readonly Stage random;

    private enum Stage
    {
        /// <summary>Nothing random but the flip.</summary>
        None,

        /// <summary>A window of the resized image.</summary>
        Window,

        /// <summary>A view of the original, resized afterwards.</summary>
        View,
    }

    public ImageTransform(DataOptions options, ImageShape shape, bool augment)
    {
        Shape = shape;
        resize = options.Resize;
        cropSize = options.CropSize;
        flip = augment && options.Flip;
        random = !augment || options.Crop != CropMode.Random ? Stage.None
            : cropSize is not null ? Stage.View
            : resize == ResizeMode.ShortSide ? Stage.Window : Stage.None;
        Key = $"{shape.Channels}x{shape.Size} {resize} crop {cropSize?.ToString() ?? "-"} {random} max {options.MaxPixels}";
    }

    public ImageShape Shape { get; }

    /// <summary>Whether the first part gives the model's size, and nothing larger.</summary>
    public bool HasFixedSize => random == Stage.None;

    /// <summary>What the pixels of the first part depend on.</summary>
    public string Key { get; }

    /// <summary>The first part for an upright image of this size; null with the reason when there is none.</summary>
    public (ImagePlan? Plan, string Reason) Decide(int width, int height, int orientation)
    {
        var plan = new ImagePlan
        {
            Channels = Shape.Channels,
            Orientation = orientation,
            ViewWidth = width,
            ViewHeight = height,
            ResizedWidth = Shape.Size,
            ResizedHeight = Shape.Size,
            OutWidth = Shape.Size,
            OutHeight = Shape.Size,
        };
        if (random == Stage.View)
        {
            (plan.ResizedWidth, plan.ResizedHeight, plan.OutWidth, plan.OutHeight) = (width, height, width, height);
            return (plan, "");
        }
        if (cropSize is { } side)
        {
            side = Math.Min(side, Math.Min(width, height));
            (plan.ViewX, plan.ViewY, plan.ViewWidth, plan.ViewHeight) = (Middle(width, side), Middle(height, side), side, side);
            return (plan, "");
        }
        if (resize == ResizeMode.Stretch) return (plan, "");

        var longer = (long)Shape.Size * Math.Max(width, height) / Math.Min(width, height);
        if (longer > int.MaxValue || (random == Stage.Window && longer > MostResized * Shape.Size))
            return (null, $"{width} x {height} pixels are too long and thin to be resized to {Shape.Size} on the short side");
        (plan.ResizedWidth, plan.ResizedHeight) = width < height ? (Shape.Size, (int)longer) : ((int)longer, Shape.Size);
        if (random == Stage.Window) (plan.OutWidth, plan.OutHeight) = (plan.ResizedWidth, plan.ResizedHeight);
        else (plan.OutX, plan.OutY) = (Middle(plan.ResizedWidth, Shape.Size), Middle(plan.ResizedHeight, Shape.Size));
        return (plan, "");
    }

    /// <summary>The second part: [channels, size, size] floats.</summary>
    /// <param name="image">The first part's result.</param>
    /// <param name="draw">A key of (seed, epoch, sample).</param>
    /// <param name="decoder">Of this thread.</param>
    /// <param name="scratch">Of this thread, another image than <paramref name="image"/>.</param>
    /// <param name="output">Shape.Values floats.</param>
    public void Finish(ImagePixels image, ulong draw, ImageDecoder decoder, PlanarImage scratch, Span<float> output)
    {
        var mirrored = flip && (Mixing.Absorb(draw, 1) & 1) != 0;
        if (random == Stage.View)
        {
            var side = Math.Min(cropSize!.Value, Math.Min(image.Width, image.Height));
            var (x, y) = (Draw(draw, 2, image.Width - side), Draw(draw, 3, image.Height - side));
            decoder.ResizeView(image, x, y, side, Shape.Size, scratch);
            image = new ImagePixels(scratch.Pixels, scratch.Channels, scratch.Width, scratch.Height);
        }
        var (left, top) = random == Stage.Window
            ? (Draw(draw, 2, image.Width - Shape.Size), Draw(draw, 3, image.Height - Shape.Size))
            : (0, 0);
        ImageDecoder.ToFloat(image, left, top, Shape, mirrored, output);
    }

    /// <summary>The draws of a sample in an epoch.</summary>
    public static ulong DrawOf(ulong seed, long epoch, long sample) => Mixing.Key(Purpose.Augmentation, seed, (ulong)epoch, (ulong)sample);

    private static int Draw(ulong draw, ulong which, int largest) => (int)Mixing.Below(Mixing.Absorb(draw, which), largest + 1L);

    private static int Middle(int whole, int part) => (int)Math.Round((whole - part) / 2.0, MidpointRounding.ToEven);
}

/// <summary>Planes of bytes, wherever they lie: [channels, height, width].</summary>
internal readonly ref struct ImagePixels(ReadOnlySpan<byte> pixels, int channels, int width, int height)
{
    public ReadOnlySpan<byte> Pixels { get; } = pixels;

    public int Channels { get; } = channels;

    public int Width { get; } = width;

    public int Height { get; } = height;
}
