namespace VaeCluster.Checkpoints.Tests.Crashes;

/// <summary>This executable, started again by a test to save in a process of its own.</summary>
internal static class SavingProcess
{
    /// <summary>Saves one step after the other until it is killed. Arguments: place, S3 endpoint or "", first step, term.</summary>
    public const string Command = "save-until-killed";

    /// <summary>Saves step 1 and tells each outcome. Argument: folder.</summary>
    public const string LimitedCommand = "save-and-tell";

    public const int Values = 20_000;

    public static bool Knows(string[] args) => args is [Command or LimitedCommand, ..];

    public static Task<int> RunAsync(string[] args) => args[0] == Command
        ? SaveUntilKilledAsync(args[1], args[2], long.Parse(args[3]), ulong.Parse(args[4]))
        : SaveAndTellAsync(args[1]);

    private static async Task<int> SaveUntilKilledAsync(string place, string endpoint, long step, ulong term)
    {
        var options = new CheckpointOptions
        {
            Storage = place,
            KeepLast = 3,
            S3 = new S3Options { Endpoint = endpoint.Length == 0 ? null : endpoint, PathStyle = true },
        };
        using var storage = CheckpointStorage.Open(options, place);
        await using var writer = new CheckpointWriter(storage, options, _ => { });
        // Told at once by the first process, so that the first save of all is among the moments; later ones tell when they are warm.
        for (var saves = 0; ; saves++)
        {
            if (saves == (term == 1 ? 0 : 1)) Console.WriteLine("saving");
            writer.TrySave(Sample.Snapshot(step++, new CheckpointOwner("killed", term, 1), values: Values));
            await writer.FlushAsync(CancellationToken.None);
        }
    }

    private static async Task<int> SaveAndTellAsync(string folder)
    {
        var delays = new RetryDelays(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(100));
        await using var writer = new CheckpointWriter(new FolderStorage(folder), new CheckpointOptions(), outcome => Console.WriteLine(outcome switch
        {
            CheckpointSaved saved => $"saved {saved.Name}",
            CheckpointAttemptFailed failed => $"failed {failed.Message}",
            _ => outcome.ToString(),
        }), delays);
        writer.TrySave(Sample.Snapshot(1, values: Values));
        await writer.FlushAsync(CancellationToken.None);
        return 0;
    }
}
