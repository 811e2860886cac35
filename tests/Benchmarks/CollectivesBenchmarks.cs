using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using VaeCluster.Collectives;

namespace Benchmarks;

/// <summary>
/// The exchange without a network: members in one process, a thread per member and one per link that copies. What a step
/// costs beyond the copies and sums that it cannot do without (the floor), and how soon an early end is back.
/// </summary>
internal static class CollectivesBenchmarks
{
    private const int KiB = 1024;
    private const int MiB = 1024 * KiB;

    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);

    public static Task RunStepsAsync()
    {
        Console.WriteLine($"{"members",-8} {"bytes",-10} {"wire",-6} {"ms per step, median (range)",-32} {"floor, ms",-24} {"ratio",-6} bytes allocated per step");
        foreach (var members in (int[])[2, 4])
            foreach (var bytes in (int[])[256 * KiB, 16 * MiB, 64 * MiB])
                foreach (var format in (WireFormat[])[WireFormat.Fp32, WireFormat.Bf16])
                {
                    Steps(members, bytes, format);
                }
        return Task.CompletedTask;
    }

    private static void Steps(int members, int bytes, WireFormat format)
    {
        const int Rounds = 7;
        var steps = Math.Clamp(256 * MiB / bytes / members, 2, 100);
        using var cluster = new MemoryCluster(members, bytes / sizeof(float), format);
        cluster.Open(1, 0);
        var next = 0L;
        cluster.Run(next, next += steps); // compiled, and all floats touched
        var allocated = 0L;
        List<double> measured = [], floors = [];
        for (var round = 0; round < Rounds; round++)
        {
            floors.Add(Floor(cluster, members, bytes));
            var before = GC.GetTotalAllocatedBytes(precise: true);
            var start = Stopwatch.GetTimestamp();
            cluster.Run(next, next += steps);
            measured.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds / steps);
            allocated = (GC.GetTotalAllocatedBytes(precise: true) - before) / steps;
        }
        var (ours, floor) = (new Figures(measured), new Figures(floors));
        Console.WriteLine($"{members,-8} {bytes,-10} {format,-6} {ours,-32} {floor,-24} {ours.Median / floor.Median,-6:F2} {allocated}");
    }

    /// <summary>On all cores: every member's share copied to each owner and added there, and each result copied to everyone.</summary>
    private static double Floor(MemoryCluster cluster, int members, int bytes)
    {
        var start = Stopwatch.GetTimestamp();
        var copies = 2 * (members - 1);
        Parallel.For(0, members, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, rank =>
        {
            var from = cluster.Values[rank].Floats;
            var to = cluster.Scratch[rank].Floats;
            var share = bytes / sizeof(float) / members;
            for (var i = 0; i < copies; i++)
            {
                from.Slice(share * (i % members), share).CopyTo(to[(share * (i % members))..]);
                if (i % 2 == 0) Add(to[..share], from[..share]);
            }
        });
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static void Add(Span<float> sum, Span<float> values)
    {
        var sums = MemoryMarshal.Cast<float, Vector<float>>(sum);
        var others = MemoryMarshal.Cast<float, Vector<float>>(values);
        for (var i = 0; i < sums.Length; i++) sums[i] += others[i];
    }

    /// <summary>At random moments of steps of 16 MiB between four members, until the waiting training threads are back as well.</summary>
    public static Task RunEndsAsync()
    {
        const int Rounds = 200;
        var random = new Random(1);
        using var cluster = new MemoryCluster(4, 16 * MiB / sizeof(float), WireFormat.Fp32);
        List<double> ends = [], returns = [];
        for (var round = 1; round <= Rounds; round++)
        {
            cluster.Open((ulong)round, round * 100);
            var running = cluster.Start(round * 100, long.MaxValue);
            Thread.SpinWait(random.Next(2_000_000));
            var start = Stopwatch.GetTimestamp();
            cluster.Members[0].End("Halt.");
            ends.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            if (!running[0].Join(Deadline)) throw new TimeoutException("The training thread did not return.");
            returns.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            foreach (var member in cluster.Members) member.End("Halt.");
            foreach (var thread in running) thread.Join(Deadline);
        }
        foreach (var (what, figures) in (ReadOnlySpan<(string, Figures)>)[("End returned", new(ends)), ("training thread back", new(returns))])
        {
            Console.WriteLine($"{what,-22} ms, median (range) {figures}, 99 % within {figures.Quantile(0.99):G3} (wanted: 10)");
        }
        return Task.CompletedTask;
    }

    /// <summary>Members of one plan, each with the same number of slots.</summary>
    private sealed class MemoryCluster : IDisposable
    {
        private readonly WireFormat format;
        private readonly List<QueueLink> links = [];

        public MemoryCluster(int members, int floats, WireFormat format)
        {
            this.format = format;
            var bucket = Math.Min(floats, 1 << 20);
            Buckets = [.. Enumerable.Repeat(bucket, floats / bucket)];
            Members = [.. Enumerable.Range(0, members).Select(_ => new Exchange(new ExchangeLayout
            {
                Run = "benchmark",
                Slots = members,
                Buckets = Buckets,
                Format = format,
            }))];
            Values = [.. Members.Select(_ => FloatMemory.Allocate(floats))];
            Scratch = [.. Members.Select(_ => FloatMemory.Allocate(floats))];
        }

        public Exchange[] Members { get; }

        public FloatMemory[] Values { get; }

        public FloatMemory[] Scratch { get; }

        private int[] Buckets { get; }

        private Generation Generation { get; set; }

        public void Open(ulong number, long step)
        {
            Dispose();
            Generation = new(1, number);
            SlotRange[] ranges = [.. Members.Select((_, rank) => new SlotRange(rank, rank + 1))];
            for (var rank = 0; rank < Members.Length; rank++)
            {
                QueueLink?[] own = [.. Members.Select((peer, at) => at == rank ? null : new QueueLink(peer))];
                links.AddRange(own.OfType<QueueLink>());
                Members[rank].Open(new() { Generation = Generation, Rank = rank, Members = ranges }, own, step);
            }
        }

        public void Run(long from, long to)
        {
            foreach (var thread in Start(from, to))
            {
                if (!thread.Join(Deadline)) throw new TimeoutException($"{format}: the steps are not done.");
            }
        }

        public Thread[] Start(long from, long to)
        {
            Thread[] threads = [.. Members.Select((_, rank) => new Thread(() => Train(rank, from, to)) { IsBackground = true })];
            foreach (var thread in threads) thread.Start();
            return threads;
        }

        public void Dispose()
        {
            foreach (var link in links) link.Close();
            links.Clear();
        }

        private void Train(int rank, long from, long to)
        {
            var bucketValues = new FloatMemory[Buckets.Length];
            var address = Values[rank].Address;
            for (var bucket = 0; bucket < Buckets.Length; bucket++)
            {
                bucketValues[bucket] = new(address, Buckets[bucket], Values[rank]);
                address += (nint)Buckets[bucket] * sizeof(float);
            }
            for (var step = from; step < to; step++)
            {
                if (!Members[rank].Begin(step, Generation, Generation)) return;
                for (var bucket = Buckets.Length - 1; bucket >= 0; bucket--)
                {
                    if (!Members[rank].Contribute(bucket, new(rank, rank + 1), bucketValues[bucket])) return;
                }
                if (Members[rank].Wait(Deadline).Status != ExchangeStatus.Completed) return;
            }
        }
    }

    /// <summary>A queue and a thread.</summary>
    private sealed class QueueLink : ISegmentLink
    {
        private readonly object gate = new();
        private readonly Queue<(SegmentHeader Header, ReadOnlyMemory<byte> Payload)> queue = new();
        private readonly Exchange peer;
        private bool copying;
        private bool closed;

        public QueueLink(Exchange peer)
        {
            this.peer = peer;
            new Thread(Deliver) { IsBackground = true }.Start();
        }

        public void Push(in SegmentHeader header, ReadOnlyMemory<byte> payload)
        {
            lock (gate)
            {
                queue.Enqueue((header, payload));
                Monitor.PulseAll(gate);
            }
        }

        public void Drop()
        {
            lock (gate)
            {
                queue.Clear();
                while (copying) Monitor.Wait(gate);
            }
        }

        public bool TryRelease(long step) => true;

        public void Close()
        {
            lock (gate)
            {
                closed = true;
                Monitor.PulseAll(gate);
            }
        }

        private void Deliver()
        {
            while (true)
            {
                (SegmentHeader Header, ReadOnlyMemory<byte> Payload) next;
                lock (gate)
                {
                    while (queue.Count == 0 && !closed) Monitor.Wait(gate);
                    if (queue.Count == 0) return;
                    next = queue.Dequeue();
                    copying = true;
                }
                var landing = peer.Resolve(next.Header, next.Payload.Length);
                if (landing.Lands) next.Payload.CopyTo(landing.Destination);
                lock (gate)
                {
                    copying = false;
                    Monitor.PulseAll(gate);
                }
                if (landing.Lands) peer.Received(next.Header);
            }
        }
    }
}
