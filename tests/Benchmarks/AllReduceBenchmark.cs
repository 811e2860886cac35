using VaeCluster.Collectives;
using VaeCluster.Protocol.Transport;

namespace Benchmarks;

/// <summary>
/// The exchange of a step over the worker's own links, gRPC or shared memory, a process per member on this machine, beside gloo's all-reduce of as
/// many floats in place, in turns. Wall time of one member, buckets of 4 MiB contributed one after the other; CPU seconds of all
/// members per GB of fp32 that one has to move to another, 2 (n - 1) times the floats that are summed. bf16 on the wire is compared with gloo's fp32: the same gradient.
/// </summary>
internal static class AllReduceBenchmark
{
    private const int KiB = 1024;
    private const int MiB = 1024 * KiB;
    private const int Rounds = 3;

    /// <summary>By gRPC, as between hosts.</summary>
    public static Task RunAsync() => RunAsync([256 * KiB, 16 * MiB, 64 * MiB],
    [
        new("fp32, TCP", false, WireFormat.Fp32, false),
        new("bf16, TCP", false, WireFormat.Bf16, false),
        new("fp32, Unix", true, WireFormat.Fp32, false),
    ]);

    /// <summary>Between members of one host.</summary>
    public static Task RunSharedAsync() => RunAsync([4 * KiB, 256 * KiB, 4 * MiB, 16 * MiB, 64 * MiB, 336 * MiB],
    [
        new("fp32, shared", true, WireFormat.Fp32, true),
        new("bf16, shared", true, WireFormat.Bf16, true),
    ]);

    private static async Task RunAsync(int[] sizes, AllReduceKind[] kinds)
    {
        SocketCompletions.RunInline();
        if (AllReduceMember.IsThisProcess)
        {
            await AllReduceMember.RunAsync();
            return;
        }
        Console.WriteLine($"{"members",-8} {"bytes",-10} {"",-13} {"ms, median (range)",-30} {"GB/s",-7} {"CPU s/GB",-9} bandwidth over gloo's: medians, least disturbed");
        foreach (var members in (int[])[2, 4])
        {
            using var gloo = new Peer("gloo_all_reduce.py", $"{members}");
            foreach (var bytes in sizes) await CompareAsync(members, bytes, kinds, gloo);
        }
    }

    private static async Task CompareAsync(int members, int bytes, AllReduceKind[] kinds, Peer gloo)
    {
        var count = (int)Math.Clamp(256L * MiB / bytes, 3, 300);
        var theirs = new List<double>();
        var cpu = new double[kinds.Length + 1];
        var ours = kinds.Select(_ => new List<double>()).ToList();
        var groups = new List<AllReduceMember.Group>();
        try
        {
            foreach (var kind in kinds) groups.Add(await AllReduceMember.Group.StartAsync(members, bytes, kind));
            for (var round = -1; round < Rounds; round++)
            {
                var measured = gloo.Run($"{bytes} {count}");
                if (round >= 0) theirs.AddRange(measured.Skip(1));
                if (round >= 0) cpu[^1] += measured[0];
                for (var kind = 0; kind < kinds.Length; kind++)
                {
                    var (seconds, spent) = await groups[kind].RunAsync(count);
                    if (round < 0) continue; // compiled, connections open
                    ours[kind].AddRange(seconds);
                    cpu[kind] += spent;
                }
            }
        }
        finally
        {
            foreach (var group in groups) group.Dispose();
        }
        var gigabytes = 2.0 * (members - 1) * bytes * count * Rounds / 1e9;
        var peer = new Figures(theirs.Select(value => 1e3 * value));
        Print("gloo", peer, cpu[^1]);
        for (var kind = 0; kind < kinds.Length; kind++) Print(kinds[kind].Name, new(ours[kind].Select(value => 1e3 * value)), cpu[kind]);

        void Print(string name, Figures figures, double spent) => Console.WriteLine(
            $"{members,-8} {bytes,-10} {name,-13} {figures,-30} {bytes / figures.Median / 1e6,-7:F3} {spent / gigabytes,-9:F2} {peer.Median / figures.Median:F2}, {peer.Minimum / figures.Minimum:F2}");
    }
}

/// <summary>How the members of one exchange reach each other.</summary>
/// <param name="Name">In the table.</param>
/// <param name="Sockets">Unix sockets rather than TCP.</param>
/// <param name="Format">On the wire.</param>
/// <param name="Shares">Through shared memory; the sockets are for set-up then.</param>
internal sealed record AllReduceKind(string Name, bool Sockets, WireFormat Format, bool Shares);
