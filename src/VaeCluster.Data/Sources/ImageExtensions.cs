namespace VaeCluster.Data.Sources;

/// <summary>File names that promise an image; what is inside decides how it is decoded.</summary>
internal static class ImageExtensions
{
    private static readonly HashSet<string> Known = new(StringComparer.OrdinalIgnoreCase)
    {
        "jpg", "jpeg", "jpe", "jfif", "png", "webp", "tif", "tiff", "gif", "bmp",
    };

    public static bool Has(ReadOnlySpan<char> name)
    {
        var dot = name.LastIndexOf('.');
        return dot >= 0 && Known.GetAlternateLookup<ReadOnlySpan<char>>().Contains(name[(dot + 1)..]);
    }
}
