using VaeCluster.Applications.Maps;

namespace VaeCluster.Applications.Tests.Maps;

public sealed class MapReportTests(TinyModel models) : IClassFixture<TinyModel>
{
    [Fact]
    public void Write_LabelledImages_IsOnePageThatNeedsNothingElse()
    {
        using var model = TinyModel.Open(models.Digits);
        foreach (var label in (string[])["<odd>", "even"])
        {
            Directory.CreateDirectory(models.In($"map/{label}"));
            for (var i = 0; i < 4; i++) models.Image($"map/{label}/{i}.png", seed: i + 10 * label.Length);
        }
        using var images = model.Images([models.In("map")]);

        var map = LatentMap.Of(model, images, batch: 3, planeSide: 4, new Nowhere(), TestContext.Current.CancellationToken);
        var page = MapReport.Write(map, model, "map", null);

        Assert.Equal((8, 16, 32), (map.Images.Count, map.Plane.Count, map.Correlation.GetLength(0)));
        Assert.Contains("&lt;odd&gt; (4)", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<odd>", page, StringComparison.Ordinal);
        foreach (var elsewhere in (string[])["http", "src=\"/", "@import", "<script", "<link"]) Assert.DoesNotContain(elsewhere, page, StringComparison.Ordinal);
        // As many dots as images: each begins with a move.
        Assert.Equal(8, page.Split("class=\"points ")[1..].Sum(part => part[..part.IndexOf("/>", StringComparison.Ordinal)].Count(letter => letter == 'M')));
    }

    [Fact]
    public void Of_TooFewImages_IsRefused()
    {
        using var model = TinyModel.Open(models.Digits);
        using var images = model.Images([models.Image("alone.png")]);
        Assert.Contains("give at least 3", Assert.Throws<UserErrorException>(() =>
            LatentMap.Of(model, images, 8, 4, new Nowhere(), TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }
}
