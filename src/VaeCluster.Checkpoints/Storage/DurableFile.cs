using System.Runtime.InteropServices;

namespace VaeCluster.Checkpoints;

/// <summary>Files that are on the disk when the call returns.</summary>
internal static partial class DurableFile
{
    private const int Piece = 4 << 20;
    private const int WouldBlock = 11; // EAGAIN, of flock
    private const int NotSupported = 22; // EINVAL: a file system that can't sync folders has nothing to sync

    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, 0);
        file.Write(bytes);
        file.Flush(flushToDisk: true);
    }

    public static void Write(string path, SnapshotFile source, CancellationToken cancellation)
    {
        // The space is asked for first: a full disk says so before the bytes are sent to it.
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            Share = FileShare.Read,
            BufferSize = 0,
            PreallocationSize = source.Length,
        });
        for (long at = 0; at < source.Length; at += Piece)
        {
            cancellation.ThrowIfCancellationRequested();
            file.Write(source.Bytes(at, (int)Math.Min(Piece, source.Length - at)));
        }
        file.Flush(flushToDisk: true);
    }

    /// <summary>Makes the names in a folder durable; .NET opens no folders.</summary>
    public static void SyncFolder(string path)
    {
        var descriptor = Open(path, 0);
        if (descriptor < 0) throw Error(path);
        try
        {
            if (Sync(descriptor) != 0 && Marshal.GetLastPInvokeError() != NotSupported) throw Error(path);
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    public static bool IsSharingViolation(IOException e) => e.HResult == WouldBlock;

    private static IOException Error(string path)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{Marshal.GetPInvokeErrorMessage(error)} : '{path}'", error);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
