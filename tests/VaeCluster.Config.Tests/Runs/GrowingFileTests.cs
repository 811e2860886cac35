using System.Diagnostics;
using System.Text;
using VaeCluster.Config.Runs;

namespace VaeCluster.Config.Tests.Runs;

public sealed class GrowingFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("vc-growing-").FullName;

    [Fact]
    public async Task CopyAsync_PartOfTheFile_IsThatPart()
    {
        using var file = Written("0123456789");
        using var copy = new MemoryStream();
        await file.CopyAsync(2, 6, copy);

        Assert.Equal("2345", Encoding.UTF8.GetString(copy.ToArray()));
    }

    [Fact]
    public async Task CopyAsync_FileWasCutOffByOthers_SaysSoAndEnds()
    {
        using var file = Written("0123456789");
        // Another program does not ask whether the file is in use.
        using (var other = Process.Start("truncate", ["--size=4", Place])) await other.WaitForExitAsync(TestContext.Current.CancellationToken);

        var exception = await Assert.ThrowsAsync<EndOfStreamException>(() => file.CopyAsync(0, 10, Stream.Null));
        Assert.Equal($"{Place} has 4 bytes, where 10 were written.", exception.Message);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Place => Path.Combine(folder, "rows");

    private GrowingFile Written(string text)
    {
        var file = new GrowingFile(Place, FileMode.CreateNew);
        file.Append(Encoding.UTF8.GetBytes(text));
        Assert.Null(file.Failure);
        return file;
    }
}
