namespace VaeCluster.Data.Inputs;

/// <summary>One image of those that arguments name.</summary>
/// <param name="Index">Its place among them, from 0.</param>
/// <param name="Name">For messages and tables: the file, and where in it.</param>
/// <param name="Path">Relative to its argument, with '/', without anything that a file name can't have: for files that are made of it.</param>
/// <param name="Label">Its class: the folder that it is in below its argument, or its number in the file of labels beside IDX; null for none.</param>
public sealed record ImageOrigin(long Index, string Name, string Path, string? Label)
{
    /// <summary><see cref="Path"/> without the ending of an image file, followed by another ending.</summary>
    public string PathWith(string ending)
    {
        var known = Sources.ImageExtensions.Has(Path);
        return (known ? Path[..Path.LastIndexOf('.')] : Path) + ending;
    }
}

/// <summary>Some images, one after the other.</summary>
/// <param name="Images">Where each is from.</param>
/// <param name="Pixels">[Count, channels, size, size] in the range of the shape.</param>
public sealed record ImageBatch(IReadOnlyList<ImageOrigin> Images, float[] Pixels)
{
    public int Count => Images.Count;
}
