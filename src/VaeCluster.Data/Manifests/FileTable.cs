using System.Text;

namespace VaeCluster.Data.Manifests;

/// <summary>
/// One file per sample. Names in blocks of 16, each after the first as (bytes shared with the one before, the rest), and a
/// column of sizes.
/// </summary>
internal static unsafe class FileTable
{
    private const int BlockNames = 16;

    public static (long Directory, long Parts) Write(Stream stream, IReadOnlyList<(string Path, long Size)> files)
    {
        var sizes = new long[files.Count];
        var largest = 0L;
        for (var i = 0; i < sizes.Length; i++) largest = Math.Max(largest, sizes[i] = files[i].Size);

        var blocks = new long[(files.Count + BlockNames - 1) / BlockNames];
        using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
        byte[] before = [];
        for (var i = 0; i < files.Count; i++)
        {
            var name = Encoding.UTF8.GetBytes(files[i].Path);
            var shared = i % BlockNames == 0 ? 0 : name.AsSpan().CommonPrefixLength(before);
            if (i % BlockNames == 0) blocks[i / BlockNames] = stream.Position;
            writer.Write7BitEncodedInt(shared);
            writer.Write7BitEncodedInt(name.Length - shared);
            writer.Write(name.AsSpan(shared));
            before = name;
        }
        writer.Flush();
        var directory = stream.Position;
        foreach (var block in blocks) writer.Write(block);
        var bits = PackedColumn.BitsFor((ulong)largest);
        writer.Write((byte)bits);
        writer.Flush();
        PackedColumn.Write(stream, sizes, bits);
        return (directory, blocks.Length);
    }

    public static SampleEntry Read(byte* file, in ManifestHeader header, long index)
    {
        var at = file + ((long*)(file + header.Directory))[index / BlockNames];
        Span<byte> name = stackalloc byte[4096];
        var length = 0;
        for (var i = index % BlockNames; i >= 0; i--)
        {
            var shared = ReadNumber(ref at);
            var rest = ReadNumber(ref at);
            new ReadOnlySpan<byte>(at, rest).CopyTo(name[shared..]);
            at += rest;
            length = shared + rest;
        }
        var column = file + header.Directory + header.Parts * sizeof(long);
        var size = PackedColumn.Read(column + 1, index, *column);
        return new SampleEntry(Encoding.UTF8.GetString(name[..length]), 0, size, size, null);
    }

    private static int ReadNumber(ref byte* at)
    {
        int value = 0, shift = 0;
        byte part;
        do
        {
            part = *at++;
            value |= (part & 0x7F) << shift;
            shift += 7;
        }
        while ((part & 0x80) != 0);
        return value;
    }
}
