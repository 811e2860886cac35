using System.Text;

namespace VaeCluster.Data.Manifests;

/// <summary>Files of equal images, as IDX has them: nothing is stored per sample.</summary>
internal sealed class RecordTable
{
    private readonly RecordFile[] files;

    public RecordTable(Stream stream, in ManifestHeader header)
    {
        files = new RecordFile[header.Parts];
        stream.Position = header.Directory;
        using var reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
        for (var i = 0; i < files.Length; i++)
        {
            files[i] = new RecordFile(reader.ReadString(), reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64(),
                new RawImages(reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt64()));
        }
    }

    public SampleEntry Read(long index)
    {
        foreach (var file in files)
        {
            if (index < file.Count)
            {
                long size = file.Images.Width * file.Images.Height * file.Images.Channels;
                return new SampleEntry(file.Path, file.DataOffset + index * size, size, file.FileSize, file.Images);
            }
            index -= file.Count;
        }
        throw new ArgumentOutOfRangeException(nameof(index));
    }

    public static (long Directory, long Parts) Write(Stream stream, IReadOnlyList<RecordFile> files)
    {
        var directory = stream.Position;
        using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
        foreach (var file in files)
        {
            writer.Write(file.Path);
            writer.Write(file.FileSize);
            writer.Write(file.DataOffset);
            writer.Write(file.Count);
            writer.Write(file.Images.Width);
            writer.Write(file.Images.Height);
            writer.Write(file.Images.Channels);
            writer.Write(file.Images.Unpacked);
        }
        return (directory, files.Count);
    }
}

/// <summary>One file of equal images.</summary>
internal sealed record RecordFile(string Path, long FileSize, long DataOffset, long Count, RawImages Images);
