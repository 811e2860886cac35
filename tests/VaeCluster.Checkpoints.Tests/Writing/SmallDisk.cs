using System.Diagnostics;

namespace VaeCluster.Checkpoints.Tests.Writing;

/// <summary>A disk of 1 MiB, or of another size, over a folder; needs the right to mount, and is skipped (and counted) without it.</summary>
internal sealed class SmallDisk : IDisposable
{
    public const int Bytes = 1 << 20;

    private readonly string _folder;

    private SmallDisk(string folder) => _folder = folder;

    public static SmallDisk Mount(string folder, int bytes = Bytes)
    {
        var error = Run("mount", "-t", "tmpfs", "-o", $"size={bytes}", "tmpfs", folder);
        Assert.SkipWhen(error is not null, $"no right to mount a small disk here: {error}");
        return new SmallDisk(folder);
    }

    public void Remount(string mode) => Assert.Null(Run("mount", "-o", $"remount,{mode}", _folder));

    /// <summary>With a file that takes all there is.</summary>
    public static void Fill(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        var page = new byte[4096];
        try
        {
            for (long at = 0; ; at += page.Length) RandomAccess.Write(file, page, at);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    public void Dispose()
    {
        // Lazily: a file of it may still be closing.
        Run("umount", "--lazy", _folder);
    }

    private static string? Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : error.Trim();
    }
}
