using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace VaeCluster.Worker.Links.Shared;

/// <summary>The calls of Linux that shared memory needs: raw imports, and checked wrappers of them.</summary>
internal static partial class Libc
{
    public const int PageBytes = 4096;

    private const int ReadProtection = 1;
    private const int WriteProtection = 2;
    private const int MapShared = 1;
    private const int MapNoReserve = 0x4000;
    private const int CloseOnExec = 1;
    private const int AllowSealing = 2;
    private const int NeverExecutable = 8;
    private const int AddSeals = 1033;
    private const int GetSeals = 1034;
    private const int SealSeal = 1;
    private const int SealShrink = 2;
    private const int SealGrow = 4;
    private const int KeepSize = 1;
    private const int PunchHole = 2;
    private const int ReadWrite = 2;
    private const int OpenCloseOnExec = 0x80000;
    private const int SeekEnd = 2;
    private const int Interrupted = 4;
    private const int InvalidArgument = 22;

    /// <summary>Of shared mappings: not the private kind, which knows this process only.</summary>
    private const int FutexWaitOperation = 0;
    private const int FutexWakeOperation = 1;

    /// <summary>Whether this machine has the calls.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() && FutexNumber != 0 && Environment.SystemPageSize == PageBytes;

    private static nint FutexNumber => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 202,
        Architecture.Arm64 => 98,
        _ => 0,
    };

    /// <summary>Memory with a descriptor and no name in any file system: when the last process that has it ends, it is gone.</summary>
    /// <exception cref="IOException">It can't be had.</exception>
    public static int CreateMemory(string name, long bytes)
    {
        var descriptor = memfd_create(name, CloseOnExec | AllowSealing | NeverExecutable);
        // Before Linux 6.3 there was no such flag.
        if (descriptor < 0 && Marshal.GetLastPInvokeError() == InvalidArgument) descriptor = memfd_create(name, CloseOnExec | AllowSealing);
        if (descriptor < 0) throw Failure("memfd_create");
        if (ftruncate(descriptor, bytes) == 0 && fcntl(descriptor, AddSeals, SealSeal | SealShrink | SealGrow) == 0) return descriptor;
        var failure = Failure("the size of the memory");
        _ = close(descriptor);
        throw failure;
    }

    /// <summary>Opens the memory that another process has under this descriptor.</summary>
    /// <param name="process">Its id, in the name space that both are in; whoever is in another one finds nothing, or a stranger.</param>
    /// <param name="descriptor">Its descriptor.</param>
    /// <param name="name">What it was created under: nothing else is opened.</param>
    /// <param name="bytes">Its size, which is sealed: reading it can't fail.</param>
    /// <exception cref="IOException">It is not to be seen here, or it is something else.</exception>
    public static int OpenMemory(int process, int descriptor, string name, long bytes)
    {
        var path = $"/proc/{process}/fd/{descriptor}";
        Span<byte> target = stackalloc byte[256];
        var length = readlink(path, ref MemoryMarshal.GetReference(target), target.Length);
        if (length < 0) throw Failure(path);
        if (Encoding.UTF8.GetString(target[..(int)length]) != $"/memfd:{name} (deleted)") throw new IOException($"{path} is something else.");
        var opened = open(path, ReadWrite | OpenCloseOnExec);
        if (opened < 0) throw Failure(path);
        if (lseek(opened, 0, SeekEnd) == bytes && (fcntl(opened, GetSeals, 0) & SealShrink) != 0) return opened;
        _ = close(opened);
        throw new IOException($"{path} has another size.");
    }

    /// <summary>Maps the first bytes. Takes no memory by itself.</summary>
    public static nint Map(int descriptor, long bytes, bool writable)
    {
        var address = mmap(0, (nuint)bytes, ReadProtection | (writable ? WriteProtection : 0), MapShared | MapNoReserve, descriptor, 0);
        return address == -1 ? throw Failure("mmap") : address;
    }

    public static void Unmap(nint address, long bytes) => _ = munmap(address, (nuint)bytes);

    public static void Close(int descriptor) => _ = close(descriptor);

    /// <summary>Takes the pages now, so that no access to them can fail later.</summary>
    public static bool TryReserve(int descriptor, long offset, long bytes)
    {
        while (fallocate(descriptor, KeepSize, offset, bytes) != 0)
        {
            if (Marshal.GetLastPInvokeError() != Interrupted) return false;
        }
        return true;
    }

    /// <summary>Gives the pages back to the machine, in all processes that have them mapped: they read zeros from now on.</summary>
    public static void Release(int descriptor, long offset, long bytes) => _ = fallocate(descriptor, KeepSize | PunchHole, offset, bytes);

    /// <summary>Sleeps while the word is as given, until it is woken, but no longer than the timeout. May return early.</summary>
    public static unsafe void Wait(uint* word, uint value, TimeSpan timeout)
    {
        var time = new Time { Seconds = (long)timeout.TotalSeconds, Nanoseconds = timeout.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick };
        _ = syscall(FutexNumber, (nint)word, FutexWaitOperation, (nint)value, (nint)(&time), 0, 0);
    }

    /// <summary>Wakes all who sleep on the word.</summary>
    public static unsafe void Wake(uint* word) => _ = syscall(FutexNumber, (nint)word, FutexWakeOperation, int.MaxValue, 0, 0, 0);

    private static IOException Failure(string what)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{what}: {new Win32Exception(error).Message}.");
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Time
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int memfd_create(string name, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ftruncate(int descriptor, long bytes);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fallocate(int descriptor, int mode, long offset, long bytes);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint readlink(string path, ref byte target, nint bytes);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long lseek(int descriptor, long offset, int whence);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint mmap(nint address, nuint bytes, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int munmap(nint address, nuint bytes);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint address, nint operation, nint value, nint timeout, nint second, nint third);
}
