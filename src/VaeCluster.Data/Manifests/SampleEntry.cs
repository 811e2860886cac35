namespace VaeCluster.Data.Manifests;

/// <summary>Where a sample's bytes are.</summary>
/// <param name="Path">The file, relative to the source's folder, with '/'.</param>
/// <param name="Offset">Where in the file, after unpacking it where <see cref="Records"/> says so.</param>
/// <param name="Size">Bytes: all of them must be read before the sample may be called broken.</param>
/// <param name="FileSize">Of the whole file when the manifest was made; another size means that the data changed.</param>
/// <param name="Records">For pixels without a file format: their shape.</param>
public readonly record struct SampleEntry(string Path, long Offset, long Size, long FileSize, RawImages? Records);

/// <summary>Images of one size in one file, without compression each, as IDX has them.</summary>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
/// <param name="Channels">1 or 3, interleaved.</param>
/// <param name="Unpacked">Where the whole file is compressed, its size without that, behind which offsets count; else 0.</param>
public sealed record RawImages(int Width, int Height, int Channels, long Unpacked);
