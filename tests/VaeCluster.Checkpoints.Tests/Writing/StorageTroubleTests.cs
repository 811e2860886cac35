using System.Diagnostics;
using VaeCluster.Checkpoints.Tests.Crashes;
using VaeCluster.Checkpoints.Tests.Storage;

namespace VaeCluster.Checkpoints.Tests.Writing;

/// <summary>Storages that are full, read-only or away: each failure is named, training goes on, and the next save is good.</summary>
public sealed class StorageTroubleTests : IAsyncDisposable
{
    private static readonly RetryDelays Soon = new(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(100));

    private readonly FolderPlace _place = new();
    private readonly Outcomes _outcomes = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _place.DisposeAsync();

    [Fact]
    public async Task FullDisk_SpaceReturns_NextSaveIsGood()
    {
        using var disk = SmallDisk.Mount(_place.Folder);
        using var storage = new FolderStorage(_place.Folder);
        await using var writer = new CheckpointWriter(storage, new CheckpointOptions(), _outcomes.Add, Soon);
        writer.TrySave(Sample.Snapshot(10));
        await _outcomes.NextAsync<CheckpointSaved>();
        var ballast = Path.Combine(_place.Folder, "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[SmallDisk.Bytes - 65536], Stop);

        await SaveFailsThenSucceedsAsync(writer, values: 20_000, message: _place.Folder, repair: () => File.Delete(ballast));

        using var loaded = await new CheckpointCatalog(storage).LoadAsync(CheckpointChoice.Latest, Stop);
        Assert.Null(loaded!.Warning);
        Assert.DoesNotContain(Directory.GetDirectories(_place.Folder), path => path.Contains(".tmp."));
    }

    [Fact]
    public async Task ReadOnlyDisk_WritableAgain_NextSaveIsGood()
    {
        using var disk = SmallDisk.Mount(_place.Folder);
        using var storage = new FolderStorage(_place.Folder);
        await using var writer = new CheckpointWriter(storage, new CheckpointOptions(), _outcomes.Add, Soon);
        disk.Remount("ro");

        await SaveFailsThenSucceedsAsync(writer, message: "Read-only file system", repair: () => disk.Remount("rw"));
    }

    [Fact]
    public async Task FolderAway_ComesBack_NextSaveIsGood()
    {
        var (folder, elsewhere) = (Path.Combine(_place.Folder, "share"), Path.Combine(_place.Folder, "unmounted"));
        using var storage = new FolderStorage(folder);
        await using var writer = new CheckpointWriter(storage, new CheckpointOptions(), _outcomes.Add, Soon);
        writer.TrySave(Sample.Snapshot(10));
        await _outcomes.NextAsync<CheckpointSaved>();
        await writer.FlushAsync(Stop);
        Directory.Move(folder, elsewhere);

        await SaveFailsThenSucceedsAsync(writer, message: "the folder is gone", repair: () => Directory.Move(elsewhere, folder));
    }

    [Fact]
    public async Task S3Away_ComesBack_NextSaveIsGood()
    {
        var server = await S3Server.StartAsync("honoured", _place.Folder);
        try
        {
            using var storage = new S3Storage(new S3Location(S3Server.Bucket, "run/"), server.Options);
            await using var writer = new CheckpointWriter(storage, new CheckpointOptions(), _outcomes.Add, Soon);
            writer.TrySave(Sample.Snapshot(10));
            await _outcomes.NextAsync<CheckpointSaved>();
            await writer.FlushAsync(Stop);
            server.Dispose();

            writer.TrySave(Sample.Snapshot(20));
            var failed = await _outcomes.NextAsync<CheckpointAttemptFailed>();
            Assert.Contains("s3://checkpoints/run/", failed.Message);
            server = await S3Server.StartAsync("honoured", _place.Folder, server.Port);

            Assert.Equal(20, (await _outcomes.UntilAsync<CheckpointSaved>()).Step);
        }
        finally
        {
            server.Dispose();
        }
    }

    /// <summary>A write that the kernel cuts off half-way, without the rights that a mount needs: a limit on the size of files.</summary>
    [Fact]
    public async Task FileSizeLimit_Raised_NextSaveIsGood()
    {
        var limited = $"trap '' XFSZ; ulimit -S -f 20; exec \"$0\" {SavingProcess.LimitedCommand} \"$1\"";
        using var process = Process.Start(new ProcessStartInfo("sh", ["-c", limited, Environment.ProcessPath!, _place.Folder])
        {
            RedirectStandardOutput = true,
            // The runtime maps its code through a large file in memory otherwise, to which the limit applies too.
            Environment = { ["DOTNET_EnableWriteXorExecute"] = "0" },
        })!;
        try
        {
            Assert.StartsWith($"failed {_place.Folder}: ", await NextLineAsync(process));
            using var raise = Process.Start("prlimit", ["--pid", $"{process.Id}", "--fsize=unlimited:"]);
            await raise.WaitForExitAsync(Stop).Within("prlimit");
            Assert.Equal(0, raise.ExitCode);

            string line;
            while ((line = await NextLineAsync(process)).StartsWith("failed", StringComparison.Ordinal)) { }
            Assert.Equal("saved step-000000000001", line);
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None).Within("the limited process");
        }
    }

    private async Task SaveFailsThenSucceedsAsync(CheckpointWriter writer, string message, Action repair, int values = 500)
    {
        Assert.True(writer.TrySave(Sample.Snapshot(20, values: values)));
        var failed = await _outcomes.NextAsync<CheckpointAttemptFailed>();
        Assert.Equal(20, failed.Step);
        Assert.Contains(message, failed.Message);
        await _outcomes.NextAsync<CheckpointAttemptFailed>();
        Assert.True(writer.FailedInARow >= 2);

        repair();

        Assert.Equal(20, (await _outcomes.UntilAsync<CheckpointSaved>()).Step);
        Assert.Equal(0, writer.FailedInARow);
    }

    private static async Task<string> NextLineAsync(Process process) =>
        await process.StandardOutput.ReadLineAsync(Stop).AsTask().Within("a line of the limited process") ?? throw new EndOfStreamException("the process ended");
}
