using System.Security.Cryptography;

namespace VaeCluster.Data.Tests.Shapes;

public sealed class ShapesTests
{
    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Fact]
    public void Open_Shapes_WritesTheSameFilesEverywhere()
    {
        using var folder = new TemporaryFolder();
        string[] HashesAt(string place)
        {
            using var data = DataSet.Open(new DataOptions { Source = $"shapes:{folder.File(place)}?count=60&size=24" }, cancellation: Deadline);
            return [.. Enumerable.Range(0, 60).Select(i => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(data.Root, data.Manifest[i].Path)))))];
        }
        var first = HashesAt("one");
        Assert.Equal(first, HashesAt("two"));
        Assert.Equal(60, first.Distinct().Count());
        // And those of another machine: drawing and file format are pinned by this.
        var all = Convert.ToHexString(SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(string.Concat(first))));
        Assert.StartsWith("5B8D0251E0C543A789B045B89F95B119F2C90DE6F8DBEC783C", all, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_ShapesThatAreThere_AreNotWrittenAgain()
    {
        using var folder = new TemporaryFolder();
        var options = new DataOptions { Source = $"shapes:{folder.Path}?count=5&size=8" };
        string root;
        using (var data = DataSet.Open(options, cancellation: Deadline)) root = data.Root;
        var file = Directory.GetFiles(root, "*.png", SearchOption.AllDirectories)[0];
        var written = File.GetLastWriteTimeUtc(file);
        using (DataSet.Open(options, cancellation: Deadline)) Assert.Equal(written, File.GetLastWriteTimeUtc(file));
        Assert.Equal([root], Directory.GetDirectories(folder.Path));
    }

    [Fact]
    public async Task Open_SeveralAtOnce_LeavesOneWholeSet()
    {
        using var folder = new TemporaryFolder();
        var options = new DataOptions { Source = $"shapes:{folder.Path}?count=50&size=16" };
        var counts = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            using var data = DataSet.Open(options, cancellation: Deadline);
            return data.Manifest.Count();
        }, Deadline))).WaitAsync(TimeSpan.FromMinutes(1), Deadline);
        Assert.All(counts, count => Assert.Equal(50, count));
        Assert.Single(Directory.GetDirectories(folder.Path));
    }
}
