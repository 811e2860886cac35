using System.Diagnostics;
using VaeCluster.Checkpoints;
using VaeCluster.Config;
using VaeCluster.Worker.Checkpoints;
using VaeCluster.Worker.Training;

namespace Benchmarks;

/// <summary>
/// What a save costs the step: the time until training may go on, beside torch.save with fsync on the same disk and beside
/// nothing but a copy of as many bytes. The save itself ends in the background; the next one is asked for when it has.
/// </summary>
internal static class CheckpointBenchmarks
{
    private const int Rounds = 10;
    private const int SavesARound = 6;
    private const int PeerSavesARound = 3;

    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    public static async Task RunAsync()
    {
        using var folder = new TemporaryFolder();
        // 8.8 million parameters: about 105 MB with Adam's two buffers.
        var config = new ConfigSources
        {
            Text = """
                model: {preset: conv64, widths: [48, 96, 192, 384, 768], decoder_widths: [384, 192, 96, 48, 48]}
                data: {source: "shapes:?count=16&size=64", threads: 1}
                train: {batch: 4, slots: 1, steps: 1000000, validate_epochs: 0}
                checkpoints: {every_steps: 1, every_minutes: 0, keep_last: 1, keep_best: 0}
                """,
            Name = "benchmark",
        }.Load();
        using var training = new LocalTraining(config);
        var outcomes = System.Threading.Channels.Channel.CreateUnbounded<CheckpointOutcome>();
        await using var checkpoints = RunCheckpoints.Open(config, folder.File("run"), training.ManifestId, outcome => outcomes.Writer.TryWrite(outcome));
        var owner = new CheckpointOwner("benchmark", 1, 0);

        // What training itself takes is taken before: buffers of the first steps, code.
        for (var step = 0; step < 2; step++) training.RunStep(CancellationToken.None);
        training.State.Step = 0;
        var before = Memory.Resident();
        checkpoints.SaveIfDue(training.State, owner, null); // step 0 is not due: this reserves
        var bytes = checkpoints.CopyBytes;
        var reserved = Memory.Resident() - before;
        Console.WriteLine($"state of {bytes / 1e6:F1} MB, {Rounds} rounds in turn");
        using var copy = new PlainCopy(bytes);
        using var peer = new Peer("checkpoint_save.py", Directory.CreateDirectory(folder.File("peer")).FullName, $"{bytes}");
        peer.Run(1);

        List<double> stalls = [], saves = [], copies = [], peers = [];
        Memory.ForgetPeak();
        var (rest, allocated) = (Memory.Resident() - reserved, GC.GetTotalAllocatedBytes());
        var first = 0L;
        for (var round = 0; round < Rounds; round++)
        {
            for (var i = 0; i < SavesARound; i++)
            {
                training.State.Step++;
                stalls.Add(await StallAsync(checkpoints, training, owner));
                var outcome = await outcomes.Reader.ReadAsync().AsTask().WaitAsync(Deadline);
                if (outcome is not CheckpointSaved saved) throw new InvalidOperationException(outcome.Sentence);
                saves.Add(saved.Duration.TotalMilliseconds);
                if (saves.Count == 1) first = Memory.Peak() - rest;
                copies.Add(copy.Run());
            }
            peers.AddRange(peer.Run(PeerSavesARound).Select(seconds => seconds * 1e3));
        }

        Show("stall of the step, ms", stalls);
        Show("copy of as many bytes, ms", copies);
        Show("torch.save with fsync, ms", peers);
        Show("until the save is on the disk, in the background, ms", saves);
        Console.WriteLine($"stall over copy: median {Share(stalls, copies, 0.5):F2}, 99 % {Share(stalls, copies, 0.99):F2}, least {Share(stalls, copies, 0):F2}; "
            + $"torch.save over stall {new Figures(peers).Median / new Figures(stalls).Median:F1}");
        Console.WriteLine($"memory: the copy {bytes / 1e6:F1} MB; the process grew by {reserved / 1e6:F1} MB when it was reserved, by {first / 1e6:F1} MB "
            + $"at the most in the first save, by {(Memory.Peak() - rest) / 1e6:F1} MB in all {saves.Count}; "
            + $"garbage of a save {(GC.GetTotalAllocatedBytes() - allocated) / 1e3 / saves.Count:F0} kB");
    }

    // The outcome of a save is reported just before the writer is free again.
    private static async Task<double> StallAsync(RunCheckpoints checkpoints, LocalTraining training, CheckpointOwner owner)
    {
        while (true)
        {
            var begun = Stopwatch.GetTimestamp();
            if (checkpoints.SaveIfDue(training.State, owner, null)) return Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
            await Task.Delay(1);
        }
    }

    private static double Share(List<double> of, List<double> over, double quantile) =>
        new Figures(of).Quantile(quantile) / new Figures(over).Quantile(quantile);

    private static void Show(string what, IReadOnlyList<double> values)
    {
        var figures = new Figures(values);
        Console.WriteLine($"  {what}: median {figures.Median:F1}, 99 % {figures.Quantile(0.99):F1}, least {figures.Minimum:F1}");
    }

    /// <summary>Memory of this process in bytes, without allocating any.</summary>
    private static class Memory
    {
        private static readonly Microsoft.Win32.SafeHandles.SafeFileHandle Status = File.OpenHandle("/proc/self/status");
        private static readonly byte[] Text = new byte[8192];

        public static long Resident() => Read("VmRSS:"u8);

        /// <summary>The most since <see cref="ForgetPeak"/>.</summary>
        public static long Peak() => Read("VmHWM:"u8);

        public static void ForgetPeak() => File.WriteAllText("/proc/self/clear_refs", "5");

        private static long Read(ReadOnlySpan<byte> name)
        {
            ReadOnlySpan<byte> text = Text.AsSpan(0, RandomAccess.Read(Status, Text, 0));
            var value = text[(text.IndexOf(name) + name.Length)..].TrimStart(" \t"u8);
            return System.Buffers.Text.Utf8Parser.TryParse(value, out long kilobytes, out _) ? kilobytes * 1024 : throw new InvalidDataException("/proc/self/status");
        }
    }
}
