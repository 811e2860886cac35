using System.Formats.Tar;
using VaeCluster.Data.Splits;
using VaeCluster.Data.Tests.Images;

namespace VaeCluster.Data.Tests.Sources;

public sealed class TarSourceTests
{
    private static readonly ImageShape Shape = new(1, 8, PixelRange.ZeroToOne);

    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(TarEntryFormat.Pax, "")]
    [InlineData(TarEntryFormat.Gnu, "")]
    [InlineData(TarEntryFormat.Ustar, "")]
    [InlineData(TarEntryFormat.V7, "")]
    [InlineData(TarEntryFormat.Pax, "a/name/that/is/longer/than/the/hundred/bytes/that/the/first/tar/programs/had/for/it/and/goes/on/ünd on/")]
    [InlineData(TarEntryFormat.Gnu, "a/name/that/is/longer/than/the/hundred/bytes/that/the/first/tar/programs/had/for/it/and/goes/on/and on/")]
    public void Open_ShardsOfAnyTarFormat_HasTheirImages(TarEntryFormat format, string prefix)
    {
        using var folder = new TemporaryFolder();
        TarFiles.Write(folder.File("b.tar"), [3, 4], format, prefix);
        TarFiles.Write(folder.File("a.tar"), [0, 1, 2], format, prefix);
        TarFiles.Write(folder.File("deep/c.tar"), [], format, prefix);
        var loaded = LoadedImages.Of(new DataOptions { Source = $"tar:{folder.Path}" }, Shape);
        Assert.Equal([0, 1, 2, 3, 4], Enumerable.Range(0, 5).Select(i => (int)loaded.BytesOf(i)[0]).Order());
    }

    [Fact]
    public void Open_TrainAndValShards_MakeTheSplit()
    {
        using var folder = new TemporaryFolder();
        TarFiles.Write(folder.File("train-000.tar"), [1, 2, 3]);
        TarFiles.Write(folder.File("train-001.tar"), [4, 5]);
        TarFiles.Write(folder.File("val-000.tar"), [6]);
        TarFiles.Write(folder.File("test-000.tar"), [7, 8]);
        TarFiles.Write(folder.File("other-000.tar"), [9]);
        using var data = DataSet.Open(new DataOptions { Source = $"tar:{folder.Path}" }, cancellation: Deadline);
        Assert.Equal((5, 1, 2), (data.Manifest.Count(Split.Train), data.Manifest.Count(Split.Validation), data.Manifest.Count(Split.Test)));
        Assert.Equal("train-001.tar: 0005.png", Path.GetFileName(data.NameOf(4)));
        Assert.StartsWith("val-000.tar: ", Path.GetFileName(data.NameOf(data.Manifest.SampleOf(Split.Validation, 0))), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_IndexBesideTheShard_IsUsedWhenItFits()
    {
        using var folder = new TemporaryFolder();
        TarFiles.Write(folder.File("a.tar"), [0, 1, 2], TarEntryFormat.Ustar);
        using var whole = DataSet.Open(new DataOptions { Source = $"tar:{folder.Path}" }, cancellation: Deadline);
        var (first, second) = (whole.Manifest[0], whole.Manifest[1]);

        // As wds2idx has it, with a label in the line; the index alone decides what is listed.
        File.WriteAllText(folder.File("a.idx"), $"v1.2 2\npng {first.Offset} {first.Size} 0000.png cls 1536 1 0000.cls\npng {second.Offset} {second.Size} 0001.png\n");
        Assert.Equal(2, Count());
        // One that does not fit its shard is not believed.
        File.WriteAllText(folder.File("a.idx"), $"v1.2 1\npng {first.Offset + 512} {first.Size} 0000.png\n");
        Assert.Equal(3, Count());
        File.WriteAllText(folder.File("a.idx"), "v1.2 many\n");
        Assert.Equal(3, Count());

        long Count()
        {
            using var data = DataSet.Open(new DataOptions { Source = $"tar:{folder.File("a.tar")}" }, cancellation: Deadline);
            return data.Manifest.Count();
        }
    }

    [Fact]
    public void Open_DamagedShards_AreNamed()
    {
        using var folder = new TemporaryFolder();
        TarFiles.Write(folder.File("whole.tar"), [0, 1, 2], TarEntryFormat.Ustar);
        var bytes = File.ReadAllBytes(folder.File("whole.tar"));
        AssertRefused("cut.tar", bytes[..540], "cut off");
        AssertRefused("header.tar", bytes[..1200], "cut off");
        AssertRefused("text.tar", [.. Enumerable.Repeat((byte)'x', 2000)], "does not begin like a tar archive");
        var damaged = bytes.ToArray();
        damaged[1024 + 3] ^= 1;
        AssertRefused("damaged.tar", damaged, "header is damaged");
        var huge = bytes.ToArray();
        "77777777777"u8.CopyTo(huge.AsSpan(124));
        huge.AsSpan(148, 8).Fill((byte)' ');
        System.Text.Encoding.ASCII.GetBytes(Convert.ToString(huge.Take(512).Sum(value => value), 8).PadLeft(6, '0') + "\0").CopyTo(huge, 148);
        AssertRefused("huge.tar", huge, "goes beyond its end");

        void AssertRefused(string name, byte[] content, string reason)
        {
            File.WriteAllBytes(folder.File(name), content);
            var error = Assert.Throws<UserErrorException>(() => DataSet.Open(new DataOptions { Source = $"tar:{folder.File(name)}" }, cancellation: Deadline).Dispose());
            Assert.Contains(folder.File(name), error.Message, StringComparison.Ordinal);
            Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Open_CompressedShardsAlone_SaysWhatToDo()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("a.tar.gz"), [1]);
        var error = Assert.Throws<UserErrorException>(() => DataSet.Open(new DataOptions { Source = $"tar:{folder.Path}" }, cancellation: Deadline).Dispose());
        Assert.Contains("gunzip", error.Message, StringComparison.Ordinal);
    }
}
