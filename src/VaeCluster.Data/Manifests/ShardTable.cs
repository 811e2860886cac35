using System.Text;

namespace VaeCluster.Data.Manifests;

/// <summary>Members of tar files: per shard a column of offsets (in tar's blocks of 512 bytes) and one of sizes.</summary>
internal sealed unsafe class ShardTable
{
    private const int TarBlock = 512;
    private readonly Part[] parts;
    private readonly long[] firsts;

    private readonly record struct Part(string Path, long FileSize, long Column, byte OffsetBits, byte SizeBits, long Count);

    /// <summary>Reads the directory: memory for the shards, none for their members.</summary>
    public ShardTable(Stream stream, in ManifestHeader header)
    {
        parts = new Part[header.Parts];
        firsts = new long[header.Parts];
        stream.Position = header.Directory;
        using var reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
        var first = 0L;
        for (var i = 0; i < parts.Length; i++)
        {
            parts[i] = new Part(reader.ReadString(), reader.ReadInt64(), reader.ReadInt64(), reader.ReadByte(), reader.ReadByte(), reader.ReadInt64());
            firsts[i] = first;
            first += parts[i].Count;
        }
    }

    public SampleEntry Read(byte* file, long index)
    {
        var found = Array.BinarySearch(firsts, index);
        var shard = found >= 0 ? found : ~found - 1;
        // Shards without samples share their first index with the one that follows.
        while (index - firsts[shard] >= parts[shard].Count) shard++;
        var part = parts[shard];
        var member = index - firsts[shard];
        var offset = PackedColumn.Read(file + part.Column, member, part.OffsetBits);
        var sizes = file + part.Column + PackedColumn.Length(part.Count, part.OffsetBits);
        return new SampleEntry(part.Path, offset * TarBlock, PackedColumn.Read(sizes, member, part.SizeBits), part.FileSize, null);
    }

    /// <summary>Shards one after the other, members in the order of the file; memory for one shard's members at a time.</summary>
    public sealed class Writer(Stream stream)
    {
        private readonly List<Part> written = [];

        public long Count { get; private set; }

        public void Add(string path, long fileSize, ReadOnlySpan<long> offsets, ReadOnlySpan<long> sizes)
        {
            var blocks = new long[offsets.Length];
            for (var i = 0; i < blocks.Length; i++) blocks[i] = offsets[i] / TarBlock;
            var offsetBits = PackedColumn.BitsFor(blocks.Length == 0 ? 0 : (ulong)blocks.Max());
            var sizeBits = PackedColumn.BitsFor(sizes.IsEmpty ? 0 : (ulong)Largest(sizes));
            written.Add(new Part(path, fileSize, stream.Position, (byte)offsetBits, (byte)sizeBits, offsets.Length));
            PackedColumn.Write(stream, blocks, offsetBits);
            PackedColumn.Write(stream, sizes, sizeBits);
            Count += offsets.Length;
        }

        public (long Directory, long Parts) Close()
        {
            var directory = stream.Position;
            using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
            foreach (var part in written)
            {
                writer.Write(part.Path);
                writer.Write(part.FileSize);
                writer.Write(part.Column);
                writer.Write(part.OffsetBits);
                writer.Write(part.SizeBits);
                writer.Write(part.Count);
            }
            return (directory, written.Count);
        }

        private static long Largest(ReadOnlySpan<long> values)
        {
            var largest = 0L;
            foreach (var value in values) largest = Math.Max(largest, value);
            return largest;
        }
    }
}
