using VaeCluster.Data.Order;

namespace VaeCluster.Data.Shapes;

/// <summary>
/// One generated image: a shape on a background, with seven factors of variation (shape, colour, size, place, turn,
/// background, its gradient). Only +, -, *, / and square roots, which IEEE 754 rounds alike everywhere: the sine of one
/// machine is not always that of another, and the files' bytes must be.
/// </summary>
internal readonly struct ShapeScene
{
    /// <summary>Counts up when the drawing changes, since the images are kept.</summary>
    public const int Version = 1;

    // Distances are in units of the image's side, colours in [0, 1].
    private readonly Shape shape;
    private readonly double centreX, centreY, radius, cosine, sine;
    private readonly (double Red, double Green, double Blue) colour, backgroundTop, backgroundBottom;

    private enum Shape
    {
        Circle,
        Square,
        Triangle,
        Ring,
        Cross,
        Diamond,
    }

    private ShapeScene(ulong seed, long index)
    {
        var key = Mixing.Key(Purpose.Shapes, seed, (ulong)index);
        var drawn = 0UL;
        double Next() => (Mixing.Finalize(key + ++drawn * 0x9E3779B97F4A7C15) >> 11) * (1.0 / (1L << 53));

        shape = (Shape)(int)(Next() * 6);
        radius = 0.12 + 0.2 * Next();
        centreX = radius + (1 - 2 * radius) * Next();
        centreY = radius + (1 - 2 * radius) * Next();
        // A point of the unit circle from the tangent of half the angle: every turn within a quarter to each side.
        var half = (Next() - 0.5) * 0.82842712474619;
        cosine = (1 - half * half) / (1 + half * half);
        sine = 2 * half / (1 + half * half);
        colour = Colour(Next() * 6, 0.6 + 0.4 * Next(), 0.7 + 0.3 * Next());
        var (hue, saturation, value) = (Next() * 6, 0.4 * Next(), 0.1 + 0.4 * Next());
        backgroundTop = Colour(hue, saturation, value);
        backgroundBottom = Colour(hue, saturation, value * (0.5 + Next()));
    }

    /// <summary>Fills [size, size, 3] with the image of an index.</summary>
    public static void Draw(ulong seed, long index, int size, Span<byte> pixels)
    {
        var scene = new ShapeScene(seed, index);
        var at = 0;
        for (var y = 0; y < size; y++)
        {
            for (var x = 0; x < size; x++)
            {
                var (u, v) = ((x + 0.5) / size, (y + 0.5) / size);
                // The distance to the edge in pixels is the cover of a pixel that the edge crosses.
                var cover = Math.Clamp(0.5 - scene.Distance(u, v) * size, 0, 1);
                pixels[at++] = Blend(scene.backgroundTop.Red, scene.backgroundBottom.Red, v, scene.colour.Red, cover);
                pixels[at++] = Blend(scene.backgroundTop.Green, scene.backgroundBottom.Green, v, scene.colour.Green, cover);
                pixels[at++] = Blend(scene.backgroundTop.Blue, scene.backgroundBottom.Blue, v, scene.colour.Blue, cover);
            }
        }
    }

    private static byte Blend(double top, double bottom, double v, double colour, double cover)
    {
        var background = top + (bottom - top) * v;
        return (byte)((background + (colour - background) * cover) * 255 + 0.5);
    }

    /// <summary>To the shape's edge, negative inside.</summary>
    private double Distance(double u, double v)
    {
        var (dx, dy) = (u - centreX, v - centreY);
        var (x, y) = (Math.Abs(cosine * dx + sine * dy), cosine * dy - sine * dx);
        return shape switch
        {
            Shape.Circle => Math.Sqrt(x * x + y * y) - radius,
            Shape.Square => Math.Max(x, Math.Abs(y)) - radius * 0.8,
            // Upwards, equilateral: 0.866 and 0.5 are the sine and cosine of 60 degrees.
            Shape.Triangle => Math.Max(0.8660254037844386 * x + 0.5 * -y, y) - radius * 0.6,
            Shape.Ring => Math.Abs(Math.Sqrt(x * x + y * y) - radius * 0.8) - radius * 0.2,
            Shape.Cross => Math.Min(Math.Max(x, 3 * Math.Abs(y)), Math.Max(3 * x, Math.Abs(y))) - radius * 0.9,
            _ => (x + Math.Abs(y)) * 0.7071067811865476 - radius * 0.7,
        };
    }

    /// <summary>Hue in sixths of the circle.</summary>
    private static (double Red, double Green, double Blue) Colour(double hue, double saturation, double value)
    {
        double Part(double shift)
        {
            var place = hue + shift;
            if (place >= 6) place -= 6;
            return value - value * saturation * Math.Clamp(Math.Min(place, 4 - place), 0, 1);
        }
        return (Part(5), Part(3), Part(1));
    }
}
