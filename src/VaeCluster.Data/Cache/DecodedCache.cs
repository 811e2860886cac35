using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using VaeCluster.Data.Images;

namespace VaeCluster.Data.Cache;

/// <summary>
/// The first part of the transform, kept on a local disk. Any number of threads and processes read and fill it at once.
/// Pixels are written by calls that can fail (a full disk ends the filling, not the training) and read through a mapping;
/// each is checked against its checksum when this process first reads it, so that a crash of the machine costs decoding
/// again and never a wrong pixel.
/// </summary>
internal sealed unsafe class DecodedCache : IDisposable
{
    private readonly IDisposable users;
    private readonly CacheIndex index;
    private readonly SafeFileHandle file;
    private readonly MemoryMappedFile mapping;
    private readonly MemoryMappedViewAccessor view;
    private readonly byte* pixels;
    private readonly int channels;
    private readonly long capacity, mapped;
    private readonly int[] verified;
    private volatile bool full;
    private long hits, misses;

    private DecodedCache(string folder, IDisposable users, long count, int channels, long capacity)
    {
        this.users = users;
        this.channels = channels;
        this.capacity = capacity;
        index = CacheIndex.Open(Path.Combine(folder, CacheFolder.IndexFile), count);
        verified = new int[(count + 31) / 32];
        file = File.OpenHandle(Path.Combine(folder, CacheFolder.PixelFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        // Sparse: it takes the room of what is in it. Never shortened, since others have it mapped.
        if (RandomAccess.GetLength(file) < capacity) RandomAccess.SetLength(file, capacity);
        mapping = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        view = mapping.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pixels);
        mapped = (long)view.SafeMemoryMappedViewHandle.ByteLength;
    }

    /// <summary>Images served.</summary>
    public long Hits => Volatile.Read(ref hits);

    /// <summary>Images asked for in vain.</summary>
    public long Misses => Volatile.Read(ref misses);

    /// <summary>Bytes of pixels in it, those of other processes included.</summary>
    public long Bytes => Math.Min(index.Allocated, capacity);

    /// <summary>The cache for a transform of a data set; null where none is wanted.</summary>
    /// <exception cref="UserErrorException">The folder can't be used.</exception>
    public static DecodedCache? Open(DataSet data, ImageTransform transform)
    {
        var options = data.Options.Cache;
        if (string.IsNullOrEmpty(options.Folder) || data.Manifest[0].Records is not null) return null;
        var parent = Path.GetFullPath(options.Folder);
        var key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{data.Manifest.Id}\n{transform.Key}\n{DataSet.DecoderVersion}")))[..32];
        var folder = Path.Combine(parent, key);
        var count = data.Manifest.Count();
        var limit = (long)(options.LimitGigabytes * (1L << 30));
        // Of one size each, or of sizes unknown before they are decoded.
        var wanted = transform.HasFixedSize ? count * transform.Shape.Values : limit;
        IDisposable? users = null;
        try
        {
            users = CacheFolder.Join(folder);
            var capacity = CacheFolder.MakeRoom(parent, folder, wanted, limit);
            return new DecodedCache(folder, users, count, transform.Shape.Channels, Math.Max(1, capacity));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            users?.Dispose();
            throw new UserErrorException($"data.cache.folder: {DisplayName.Of(folder)} can't be used ({error.Message}). Delete it, name another folder, "
                + "or leave the setting out to work without a cache.", error);
        }
    }

    /// <summary>The pixels of a sample, in the mapping.</summary>
    public bool TryGet(long sample, out ImagePixels image)
    {
        var there = TryFind(sample, out image);
        Interlocked.Increment(ref there ? ref hits : ref misses);
        return there;
    }

    private bool TryFind(long sample, out ImagePixels image)
    {
        image = default;
        if (!index.TryGet(sample, out var entry)) return false;
        var (offset, length) = (entry.Place - 1, (long)channels * entry.Width * entry.Height);
        if (entry.Width < 1 || entry.Height < 1 || length > int.MaxValue || offset > mapped - length) return false;
        var bytes = new ReadOnlySpan<byte>(pixels + offset, (int)length);
        var (word, bit) = (sample / 32, 1 << (int)(sample % 32));
        if ((Volatile.Read(ref verified[word]) & bit) == 0)
        {
            if (Checksum(bytes) != entry.Checksum)
            {
                index.Remove(sample);
                return false;
            }
            Interlocked.Or(ref verified[word], bit);
        }
        image = new ImagePixels(bytes, channels, entry.Width, entry.Height);
        return true;
    }

    /// <summary>Keeps a decoded image, unless it is there already, another process is at it, or there is no room left.</summary>
    public void Add(long sample, ImagePixels image)
    {
        if (full || !index.TryClaim(sample)) return;
        Debug.Assert(image.Channels == channels);
        var offset = index.Allocate(image.Pixels.Length, capacity);
        if (offset < 0) return;
        try
        {
            RandomAccess.Write(file, image.Pixels, offset);
            index.Publish(sample, offset, Checksum(image.Pixels), image.Width, image.Height);
        }
        catch (IOException)
        {
            // A full disk: what is there serves on, the rest is decoded each time.
            full = true;
        }
    }

    public void Dispose()
    {
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        mapping.Dispose();
        file.Dispose();
        index.Dispose();
        users.Dispose();
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var sum = uint.MaxValue;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words) sum = BitOperations.Crc32C(sum, word);
        foreach (var rest in bytes[(words.Length * 8)..]) sum = BitOperations.Crc32C(sum, rest);
        // An empty place has no checksum of zeros.
        return ~sum;
    }
}
