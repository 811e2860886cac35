using VaeCluster.Data.Images;

namespace VaeCluster.Applications.Sheets;

/// <summary>
/// Where two pictures differ: black for nothing, over violet and orange to white for the whole range. The root of the
/// difference, since most are small; one scale for all pictures, so that they can be compared.
/// </summary>
public static class ErrorMap
{
    private static readonly (double Red, double Green, double Blue)[] Colours =
        [(0, 0, 0), (70, 20, 110), (190, 50, 90), (250, 150, 40), (255, 255, 220)];

    /// <summary>The mean over the channels of |a - b|, of pictures of one shape.</summary>
    public static Picture Of(Picture a, Picture b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        var pixels = new byte[a.Width * a.Height * 3];
        for (var i = 0; i < a.Width * a.Height; i++)
        {
            var sum = 0;
            for (var channel = 0; channel < a.Channels; channel++) sum += Math.Abs(a.Pixels[i * a.Channels + channel] - b.Pixels[i * a.Channels + channel]);
            var (red, green, blue) = ColourOf(Math.Sqrt(sum / (255.0 * a.Channels)));
            (pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]) = (red, green, blue);
        }
        return new(a.Width, a.Height, 3, pixels);
    }

    /// <summary>The colour of a share in [0, 1].</summary>
    public static (byte Red, byte Green, byte Blue) ColourOf(double share)
    {
        var place = Math.Clamp(share, 0, 1) * (Colours.Length - 1);
        var index = Math.Min((int)place, Colours.Length - 2);
        var (from, to, part) = (Colours[index], Colours[index + 1], place - index);
        return (Mix(from.Red, to.Red), Mix(from.Green, to.Green), Mix(from.Blue, to.Blue));

        byte Mix(double a, double b) => (byte)Math.Round(a + (b - a) * part);
    }
}
