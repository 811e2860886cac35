using System.Buffers.Binary;
using System.IO.Compression;
using VaeCluster.Data.Manifests;

namespace VaeCluster.Data.Sources;

/// <summary>The header of an IDX file of images: unsigned bytes in 3 (grey) or 4 (with channels) dimensions.</summary>
internal static class IdxHeader
{
    // What is unpacked is held in memory.
    private const long MostUnpacked = 8L << 30;

    public static RecordFile Read(string path, string name)
    {
        var fileSize = new FileInfo(path).Length;
        using var file = File.OpenRead(path);
        Span<byte> start = stackalloc byte[20];
        var gzip = file.ReadAtLeast(start[..2], 2, throwOnEndOfStream: false) == 2 && start[0] == 0x1F && start[1] == 0x8B;
        file.Position = 0;
        int read;
        try
        {
            using var content = gzip ? new GZipStream(file, CompressionMode.Decompress, leaveOpen: true) : (Stream)file;
            read = content.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            return Parse(start[..read], path, name, fileSize, gzip);
        }
        catch (InvalidDataException error)
        {
            throw Mistake(path, $"its compression is damaged ({error.Message})");
        }
    }

    private static RecordFile Parse(ReadOnlySpan<byte> start, string path, string name, long fileSize, bool gzip)
    {
        if (start.Length < 16 || start[0] != 0 || start[1] != 0) throw Mistake(path, "it does not begin like an IDX file");
        if (start[2] != 0x08) throw Mistake(path, $"its numbers are of type 0x{start[2]:X2}, and only unsigned bytes (0x08) are images");
        var dimensions = start[3];
        if (dimensions is not (3 or 4) || start.Length < 4 + 4 * dimensions) throw Mistake(path, $"it has {dimensions} dimensions, and images have 3 or 4");
        var count = BinaryPrimitives.ReadUInt32BigEndian(start[4..]);
        var height = BinaryPrimitives.ReadUInt32BigEndian(start[8..]);
        var width = BinaryPrimitives.ReadUInt32BigEndian(start[12..]);
        var channels = dimensions == 4 ? BinaryPrimitives.ReadUInt32BigEndian(start[16..]) : 1;
        if (width is 0 or > 65535 || height is 0 or > 65535 || channels is not (1 or 3))
            throw Mistake(path, $"it says that its images are {width} x {height} pixels with {channels} channels");
        var offset = 4 + 4 * dimensions;
        var needed = offset + count * ((long)width * height * channels);
        if (!gzip && needed != fileSize) throw Mistake(path, $"it has {fileSize:N0} bytes where its header asks for {needed:N0}");
        if (gzip && needed > MostUnpacked) throw Mistake(path, $"it unpacks to {needed:N0} bytes, too much to hold in memory: unpack it with gunzip first");
        return new RecordFile(name, fileSize, offset, count, new RawImages((int)width, (int)height, (int)channels, gzip ? needed : 0));
    }

    private static UserErrorException Mistake(string path, string what) =>
        new($"{DisplayName.Of(path)} can't be used as images: {what}. Replace the file.");
}
