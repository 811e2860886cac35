using VaeCluster.Collectives;
using VaeCluster.Protocol.Transport;

namespace Benchmarks;

/// <summary>
/// The exchange of a step over the worker's own gRPC links, a process per member on this machine, beside gloo's all-reduce of as
/// many floats in place, in turns. Wall time of one member, buckets of 4 MiB contributed one after the other; CPU seconds of all
/// members per GB of the floats that are summed. bf16 on the wire is compared with gloo's fp32: the same gradient.
/// </summary>
internal static class AllReduceBenchmark
{
    private const int KiB = 1024;
    private const int MiB = 1024 * KiB;
    private const int Rounds = 5;

    public static async Task RunAsync()
    {
        SocketCompletions.RunInline();
        if (AllReduceMember.IsThisProcess)
        {
            await AllReduceMember.RunAsync();
            return;
        }
        Console.WriteLine($"{"members",-8} {"bytes",-9} {"",-12} {"ms, median (range)",-28} {"GB/s",-7} {"CPU s/GB",-9} bandwidth over gloo's: medians, least disturbed");
        foreach (var members in (int[])[2, 4])
        {
            using var gloo = new Peer("gloo_all_reduce.py", $"{members}");
            foreach (var bytes in (int[])[256 * KiB, 16 * MiB, 64 * MiB]) await CompareAsync(members, bytes, gloo);
        }
    }

    private static async Task CompareAsync(int members, int bytes, Peer gloo)
    {
        var count = Math.Clamp(128 * MiB / bytes, 3, 100);
        (string Name, bool Sockets, WireFormat Format)[] kinds =
            [("fp32, TCP", false, WireFormat.Fp32), ("bf16, TCP", false, WireFormat.Bf16), ("fp32, Unix", true, WireFormat.Fp32)];
        var theirs = new List<double>();
        var cpu = new double[kinds.Length + 1];
        var ours = kinds.Select(_ => new List<double>()).ToList();
        var groups = new List<AllReduceMember.Group>();
        try
        {
            foreach (var kind in kinds) groups.Add(await AllReduceMember.Group.StartAsync(members, bytes, kind.Format, kind.Sockets));
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
        var gigabytes = (double)bytes * count * Rounds / 1e9;
        var peer = new Figures(theirs.Select(value => 1e3 * value));
        Print("gloo", peer, cpu[^1]);
        for (var kind = 0; kind < kinds.Length; kind++) Print(kinds[kind].Name, new(ours[kind].Select(value => 1e3 * value)), cpu[kind]);

        void Print(string name, Figures figures, double spent) => Console.WriteLine(
            $"{members,-8} {bytes,-9} {name,-12} {figures,-28} {bytes / figures.Median / 1e6,-7:F3} {spent / gigabytes,-9:F2} {peer.Median / figures.Median:F2}, {peer.Minimum / figures.Minimum:F2}");
    }
}
