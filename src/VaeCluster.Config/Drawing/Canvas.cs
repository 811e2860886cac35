using VaeCluster.Data.Images;

namespace VaeCluster.Config.Drawing;

/// <summary>A colour, and how much of it covers what is below.</summary>
public readonly record struct Ink(byte Red, byte Green, byte Blue, double Cover = 1);

public enum Align
{
    Left,
    Centre,
    Right,
}

/// <summary>A picture to draw on: lines and dots with smooth edges, rectangles, text. Origin in the upper left, units are pixels.</summary>
public sealed class Canvas
{
    private readonly byte[] pixels; // [height, width, 3]

    public Canvas(int width, int height, Ink ground)
    {
        (Width, Height, pixels) = (width, height, new byte[width * height * 3]);
        Fill(0, 0, width, height, ground);
    }

    public int Width { get; }

    public int Height { get; }

    public ReadOnlySpan<byte> Pixels => pixels;

    public void Fill(int left, int top, int width, int height, Ink ink)
    {
        for (var y = top; y < top + height; y++)
        {
            for (var x = left; x < left + width; x++) Cover(x, y, ink, 1);
        }
    }

    /// <summary>A line with round ends: each pixel takes as much ink as its centre is near.</summary>
    public void Line(double x0, double y0, double x1, double y1, double thickness, Ink ink)
    {
        var reach = thickness / 2 + 1;
        var (dx, dy) = (x1 - x0, y1 - y0);
        var length = dx * dx + dy * dy;
        for (var y = (int)Math.Floor(Math.Min(y0, y1) - reach); y <= Math.Max(y0, y1) + reach; y++)
        {
            for (var x = (int)Math.Floor(Math.Min(x0, x1) - reach); x <= Math.Max(x0, x1) + reach; x++)
            {
                var along = length == 0 ? 0 : Math.Clamp(((x - x0) * dx + (y - y0) * dy) / length, 0, 1);
                var (px, py) = (x - x0 - along * dx, y - y0 - along * dy);
                Cover(x, y, ink, thickness / 2 + 0.5 - Math.Sqrt(px * px + py * py));
            }
        }
    }

    public void Dot(double x, double y, double radius, Ink ink) => Line(x, y, x, y, 2 * radius, ink);

    /// <param name="x">Of the alignment's edge or centre.</param>
    /// <param name="top">Of the capitals.</param>
    public void Text(int x, int top, string text, Ink ink, int scale = 2, Align align = Align.Left)
    {
        var width = WidthOf(text, scale);
        var left = align switch { Align.Left => x, Align.Centre => x - width / 2, _ => x - width };
        foreach (var (index, letter) in text.Index())
        {
            foreach (var dot in BitmapFont.DotsOf(letter))
                Fill(left + (index * BitmapFont.Advance + dot.X) * scale, top + dot.Y * scale, scale, scale, ink);
        }
    }

    /// <summary>A picture with its upper left corner here, each of its pixels a square of so many.</summary>
    public void Picture(int left, int top, Picture picture, int scale = 1)
    {
        ArgumentNullException.ThrowIfNull(picture);
        for (var y = Math.Max(0, -top); y < Math.Min(picture.Height * scale, Height - top); y++)
        {
            for (var x = Math.Max(0, -left); x < Math.Min(picture.Width * scale, Width - left); x++)
            {
                var from = (y / scale * picture.Width + x / scale) * picture.Channels;
                var to = ((top + y) * Width + left + x) * 3;
                for (var channel = 0; channel < 3; channel++) pixels[to + channel] = picture.Pixels[from + (picture.Channels == 1 ? 0 : channel)];
            }
        }
    }

    /// <summary>What is drawn so far.</summary>
    public Picture ToPicture() => new(Width, Height, 3, [.. pixels]);

    public static int WidthOf(string text, int scale = 2) => text.Length == 0 ? 0 : (text.Length * BitmapFont.Advance - 1) * scale;

    public void Save(string path) => ImageWriter.WritePng(path, Width, Height, 3, pixels);

    private void Cover(int x, int y, Ink ink, double share)
    {
        if ((uint)x >= (uint)Width || (uint)y >= (uint)Height || share <= 0) return;
        share = Math.Min(share, 1) * ink.Cover;
        var pixel = pixels.AsSpan((y * Width + x) * 3, 3);
        pixel[0] = (byte)(pixel[0] + (ink.Red - pixel[0]) * share);
        pixel[1] = (byte)(pixel[1] + (ink.Green - pixel[1]) * share);
        pixel[2] = (byte)(pixel[2] + (ink.Blue - pixel[2]) * share);
    }
}
