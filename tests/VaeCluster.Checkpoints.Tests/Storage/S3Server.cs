using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace VaeCluster.Checkpoints.Tests.Storage;

/// <summary>A local S3 server: s3rver from npm, installed once into the user's cache folder.</summary>
internal sealed class S3Server : IDisposable
{
    public const string Bucket = "checkpoints";
    private const string Version = "3.7.1";

    private readonly Process _process;
    private readonly string _folder;
    private readonly bool _ownsFolder;

    private S3Server(Process process, string folder, bool ownsFolder, int port)
    {
        _process = process;
        _folder = folder;
        _ownsFolder = ownsFolder;
        Port = port;
    }

    public int Port { get; }

    public S3Options Options => new() { Endpoint = $"http://127.0.0.1:{Port}", Region = "us-east-1", PathStyle = true };

    /// <param name="conditions">What it does with conditional writes: ignored, honoured or refused.</param>
    /// <param name="folder">Kept by the caller; a new one where it is not given.</param>
    /// <param name="port">0 for a free one.</param>
    public static async Task<S3Server> StartAsync(string conditions, string? folder = null, int port = 0)
    {
        var modules = await Modules.Value;
        var place = folder ?? Directory.CreateTempSubdirectory("vaecluster-s3-").FullName;
        var script = Path.Combine(AppContext.BaseDirectory, "Storage", "s3-server.js");
        var process = Process.Start(new ProcessStartInfo("node", [script, modules, place, $"{port}", conditions])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var line = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().Within("the S3 server");
        if (line?.StartsWith("listening ", StringComparison.Ordinal) != true) throw new InvalidOperationException($"the S3 server did not start: {line}");
        return new S3Server(process, place, folder is null, int.Parse(line.Split(' ')[1]));
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        if (_ownsFolder) Directory.Delete(_folder, recursive: true);
    }

    /// <summary>s3rver's own keys.</summary>
    [ModuleInitializer]
    internal static void SetKeys()
    {
        Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", "S3RVER");
        Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", "S3RVER");
    }

    private static readonly Lazy<Task<string>> Modules = new(InstallAsync);

    private static async Task<string> InstallAsync()
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } set
            ? set : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), ".cache");
        var place = Path.Combine(cache, "vaecluster", $"s3rver-{Version}");
        var modules = Path.Combine(place, "node_modules");
        if (Directory.Exists(modules)) return modules;

        // Beside its place, then moved: what is there is complete.
        var fresh = $"{place}.{Environment.ProcessId}.tmp";
        Directory.CreateDirectory(fresh);
        await File.WriteAllTextAsync(Path.Combine(fresh, "package.json"), "{ \"private\": true }");
        using var npm = Process.Start(new ProcessStartInfo("npm", ["install", "--no-audit", "--no-fund", "--prefix", fresh, $"s3rver@{Version}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, errors) = (npm.StandardOutput.ReadToEndAsync(), npm.StandardError.ReadToEndAsync());
        await npm.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(3));
        if (npm.ExitCode != 0) throw new InvalidOperationException($"npm could not install s3rver {Version}: {await output}{await errors}");
        try
        {
            Directory.Move(fresh, place);
        }
        catch (IOException) when (Directory.Exists(modules))
        {
            Directory.Delete(fresh, recursive: true);
        }
        return modules;
    }
}
