using VaeCluster.Data.Images;
using VaeCluster.Data.Pipeline;
using VaeCluster.Data.Reading;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Tests.Reading;

/// <summary>What keeps bytes from being read ends the slot, and never changes a batch.</summary>
public sealed class ReadFailureTests
{
    private static readonly ImageShape Shape = new(1, 8, PixelRange.ZeroToOne);

    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Fact]
    public void Take_FileThatVanished_GivesUpTheSlotNamingIt()
    {
        using var folder = new TemporaryFolder();
        using var data = Open(folder);
        File.Delete(folder.File("3.png"));
        AssertGivenUp(data, folder.File("3.png"));
        Assert.Equal(0, data.Broken.Count);
    }

    [Fact]
    public void Take_FileThatGrewOrShrank_GivesUpTheSlotInsteadOfReplacingIt()
    {
        using var folder = new TemporaryFolder();
        using var data = Open(folder);
        File.WriteAllBytes(folder.File("3.png"), [.. File.ReadAllBytes(folder.File("3.png")), 0]);
        AssertGivenUp(data, folder.File("3.png"));
        // Half of it: not broken either, since the manifest knows that there was more.
        File.WriteAllBytes(folder.File("3.png"), File.ReadAllBytes(folder.File("3.png"))[..20]);
        AssertGivenUp(data, folder.File("3.png"));
        Assert.Equal(0, data.Broken.Count);
    }

    [Fact]
    public void Take_FileWithoutPermission_GivesUpTheSlotNamingIt()
    {
        using var folder = new TemporaryFolder();
        using var data = Open(folder);
        File.SetUnixFileMode(folder.File("3.png"), UnixFileMode.None);
        OtherUser.Run(folder, () => AssertGivenUp(data, folder.File("3.png")));
        Assert.Equal(0, data.Broken.Count);
    }

    [Fact]
    public void Open_FolderWithoutPermission_IsTheUsersToMend()
    {
        using var folder = new TemporaryFolder();
        Write(folder);
        File.SetUnixFileMode(Directory.CreateDirectory(folder.File("closed")).FullName, UnixFileMode.None);
        OtherUser.Run(folder, () =>
        {
            var options = new DataOptions { Source = $"folder:{folder.Path}" };
            var error = Assert.Throws<UserErrorException>(() => DataSet.Open(options, cancellation: Deadline).Dispose());
            Assert.Contains(folder.File("closed"), error.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Take_FolderInPlaceOfTheFile_GivesUpTheSlotNamingIt()
    {
        using var folder = new TemporaryFolder();
        using var data = Open(folder);
        File.Delete(folder.File("3.png"));
        Directory.CreateDirectory(folder.File("3.png"));
        AssertGivenUp(data, folder.File("3.png"));
    }

    [Fact]
    public void Take_FileThatComesBackInTime_IsReadWithoutATrace()
    {
        using var folder = new TemporaryFolder();
        var path = Write(folder);
        var bytes = File.ReadAllBytes(path);
        float[] whole;
        using (var data = Open(folder)) whole = All(data);
        var pauses = new Pauses(before: 2, () => File.WriteAllBytes(path, bytes));
        using (var data = Open(folder, time: pauses))
        {
            File.Delete(path);
            // Its slot waits for it, through two pauses.
            Assert.Equal(whole, All(data));
        }
        Assert.Equal(2, pauses.Count);
    }

    private static void AssertGivenUp(DataSet data, string path)
    {
        var error = Assert.Throws<SampleReadException>(() => All(data));
        Assert.Equal(path, error.File);
        Assert.StartsWith($"{path} could not be read in 3 attempts: ", error.Message, StringComparison.Ordinal);
    }

    private static string Write(TemporaryFolder folder)
    {
        for (var i = 0; i < 6; i++) ImageWriter.WritePng(folder.File($"{i}.png"), 8, 8, 1, [.. Enumerable.Repeat((byte)(10 * i), 64)]);
        return folder.File("3.png");
    }

    private static DataSet Open(TemporaryFolder folder, TimeProvider? time = null)
    {
        Write(folder);
        return DataSet.Open(new DataOptions
        {
            Source = $"folder:{folder.Path}",
            Split = new SplitOptions { By = SplitMode.Share, Share = 1 },
            Read = new ReadOptions { Attempts = 3, FirstDelay = TimeSpan.FromMilliseconds(2) },
        }, time, Deadline);
    }

    private static float[] All(DataSet data)
    {
        using var pipeline = new SlotPipeline(data, PipelineOptions.Training(data, Shape, batch: 6, slots: 1, seed: 1));
        using var batch = pipeline.Take(0, 0, Deadline);
        return batch.Pixels.ToArray();
    }

    /// <summary>The system's clock, that does something when the last of so many pauses between attempts begins.</summary>
    private sealed class Pauses(int before, Action action) : TimeProvider
    {
        public int Count { get; private set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (++Count == before) action();
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}
