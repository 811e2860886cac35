using VaeCluster.Worker.Links.Shared;

namespace VaeCluster.Worker.Tests.Links.Shared;

/// <summary>Memory that is shared by descriptor: who finds it, and that nothing of it is left.</summary>
public sealed unsafe class SharedArenaTests
{
    private const int Page = Libc.PageBytes;

    [Fact]
    public void PeerArena_SameMemory_ReadsWhatIsWrittenAndCanNotWrite()
    {
        using var arena = new SharedArena(1 << 20, _ => { });
        var block = arena.TryAllocate(100);
        var peer = new PeerArena(ArenaAddress.Of(arena));

        *(int*)block = 4711;

        Assert.Equal(4711, *(int*)peer.At(arena.OffsetOf(block, 100)));
        var mapped = File.ReadLines("/proc/self/maps").Single(line => line.StartsWith($"{(nint)peer.At(0):x}-", StringComparison.Ordinal));
        Assert.Contains(" r--s ", mapped, StringComparison.Ordinal);
        arena.Free(block, 100);
        GC.KeepAlive(peer);
    }

    [Fact]
    public void PeerArena_SomethingElse_IsNotOpened()
    {
        using var arena = new SharedArena(1 << 20, _ => { });
        using var file = File.OpenHandle(typeof(SharedArenaTests).Assembly.Location);
        var right = ArenaAddress.Of(arena);
        ArenaAddress[] wrong =
        [
            right with { Token = new byte[SharedArena.TokenBytes] },
            right with { Bytes = right.Bytes + Page },
            right with { Bytes = 0 },
            right with { Process = int.MaxValue },
            right with { Descriptor = (int)file.DangerousGetHandle() },
        ];

        Assert.All(wrong, address => Assert.Throws<IOException>(() => new PeerArena(address)));
    }

    [Fact]
    public void TryAllocate_FullAndFreedInAnyOrder_AllOfItCanBeHadAgain()
    {
        var said = new List<string>();
        using var arena = new SharedArena(8 * Page, said.Add);
        nint[] blocks = [.. Enumerable.Range(0, 4).Select(_ => arena.TryAllocate(2 * Page))];
        Assert.DoesNotContain(0, blocks);
        Assert.Equal(8 * Page, arena.Used);
        Assert.Equal(0, arena.TryAllocate(1));
        Assert.Equal(0, arena.TryAllocate(1));
        Assert.Contains("no room", Assert.Single(said), StringComparison.Ordinal);

        *(int*)blocks[2] = 1;
        foreach (var at in (int[])[1, 3, 2, 0]) arena.Free(blocks[at], 2 * Page);

        var all = arena.TryAllocate(8 * Page);
        Assert.Equal(blocks[0], all);
        // What was given back to the machine comes as zeros.
        Assert.Equal(0, *(int*)blocks[2]);
        arena.Free(all, 8 * Page);
    }

    [Fact]
    public void Dispose_LastBlockFreed_NothingIsMappedAndNoDescriptorOpen()
    {
        var arena = new SharedArena(1 << 20, _ => { });
        var start = $"{(nint)arena.At(0):x}-";
        var inode = Mapped().Single(line => line.StartsWith(start, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[4];
        var block = arena.TryAllocate(Page);

        arena.Dispose();
        *(int*)block = 1;
        Assert.Equal(0, arena.TryAllocate(Page));
        arena.Free(block, Page);

        Assert.DoesNotContain(Mapped(), line => line.Contains($" {inode} ", StringComparison.Ordinal));

        static IEnumerable<string> Mapped() => File.ReadLines("/proc/self/maps").Where(line => line.Contains("/memfd:vaecluster ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1.2.3")]
    [InlineData("1.2.3.zz.5.6")]
    [InlineData("-1.2.3.00.5.6")]
    public void Parse_NoOffer_IsNull(string text)
    {
        Assert.Null(RingOffer.Parse(text));
        Assert.Null(RingAnswer.Parse(text));
    }

    [Fact]
    public void Parse_WhatWasWritten_IsTheSame()
    {
        var offer = new RingOffer(new(12, 3, 1L << 40, [.. Enumerable.Range(0, SharedArena.TokenBytes).Select(i => (byte)i)]), 8192, ulong.MaxValue);
        var read = RingOffer.Parse(offer.ToString())!;

        Assert.Equal((offer.Offset, offer.Nonce, offer.Arena.Key), (read.Offset, read.Nonce, read.Arena.Key));
        Assert.Equal((12, 3, 1L << 40), (read.Arena.Process, read.Arena.Descriptor, read.Arena.Bytes));
    }
}
