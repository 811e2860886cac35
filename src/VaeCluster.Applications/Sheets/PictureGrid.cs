using VaeCluster.Config.Drawing;
using VaeCluster.Data.Images;

namespace VaeCluster.Applications.Sheets;

/// <summary>Pictures of one size edge to edge, as a manifold is looked at; on a <see cref="PictureSheet"/> they stand apart.</summary>
internal static class PictureGrid
{
    /// <param name="pictures">Row by row.</param>
    /// <param name="columns">Pictures in a row.</param>
    /// <param name="scale">Each pixel becomes a square of so many.</param>
    public static Picture Draw(IReadOnlyList<Picture> pictures, int columns, int scale = 1)
    {
        var (width, height) = (pictures[0].Width * scale, pictures[0].Height * scale);
        var canvas = new Canvas(columns * width, (pictures.Count + columns - 1) / columns * height, default);
        foreach (var (index, picture) in pictures.Index()) canvas.Picture(index % columns * width, index / columns * height, picture, scale);
        return canvas.ToPicture();
    }
}
