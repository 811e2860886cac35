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
    public async Task Take_FileThatComesBackInTime_IsReadWithoutATrace()
    {
        using var folder = new TemporaryFolder();
        var bytes = File.ReadAllBytes(Write(folder));
        float[] whole;
        using (var data = Open(folder)) whole = All(data);
        using (var data = Open(folder, attempts: 12))
        {
            File.Delete(folder.File("3.png"));
            var taken = Task.Run(() => All(data), Deadline);
            // Its slot waits for it.
            await Task.Delay(20, Deadline);
            File.WriteAllBytes(folder.File("3.png"), bytes);
            Assert.Equal(whole, await taken.WaitAsync(TimeSpan.FromSeconds(60), Deadline));
        }
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

    private static DataSet Open(TemporaryFolder folder, int attempts = 3)
    {
        Write(folder);
        return DataSet.Open(new DataOptions
        {
            Source = $"folder:{folder.Path}",
            Split = new SplitOptions { By = SplitMode.Share, Share = 1 },
            Read = new ReadOptions { Attempts = attempts, FirstDelay = TimeSpan.FromMilliseconds(2) },
        }, cancellation: Deadline);
    }

    private static float[] All(DataSet data)
    {
        using var pipeline = new SlotPipeline(data, PipelineOptions.Training(data, Shape, batch: 6, slots: 1, seed: 1));
        using var batch = pipeline.Take(0, 0, Deadline);
        return batch.Pixels.ToArray();
    }
}
