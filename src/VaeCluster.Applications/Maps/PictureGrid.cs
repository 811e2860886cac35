using VaeCluster.Data.Images;

namespace VaeCluster.Applications.Maps;

/// <summary>Pictures of one size edge to edge, as a manifold is looked at.</summary>
internal sealed class PictureGrid(IReadOnlyList<Picture> pictures, int columns)
{
    public Picture Draw()
    {
        var (width, height, channels) = (pictures[0].Width, pictures[0].Height, pictures[0].Channels);
        var stride = columns * width * channels;
        var pixels = new byte[stride * height * (pictures.Count / columns)];
        foreach (var (index, picture) in pictures.Index())
        {
            for (var y = 0; y < height; y++)
            {
                picture.Pixels.AsSpan(y * width * channels, width * channels)
                    .CopyTo(pixels.AsSpan((index / columns * height + y) * stride + index % columns * width * channels));
            }
        }
        return new(columns * width, height * (pictures.Count / columns), channels, pixels);
    }
}
