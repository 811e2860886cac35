using VaeCluster.Config.Drawing;
using VaeCluster.Config.Runs;

namespace VaeCluster.Config.Tests.Runs;

public sealed class LossCurveTests : IDisposable
{
    // Where the panels of the picture lie: pixels of the frame's left and right edge, and each panel's upper and lower one.
    private const int Left = 110, Right = 1140;
    private static readonly (int Top, int Bottom)[] Panels = [(64, 294), (332, 562), (600, 830)];

    private readonly string folder = Directory.CreateTempSubdirectory("vaecluster-curve-").FullName;

    private string Path => System.IO.Path.Combine(folder, "loss.png");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Write_FallingLoss_GoesFromUpperLeftToLowerRight()
    {
        LossCurve.Write(Path, Rows(2000, step => 500.0 / step + 80), []);

        var heights = Heights(Panels[0], IsBlue);
        Assert.True(heights[0].Y < Panels[0].Top + 40, $"begins at {heights[0]}");
        Assert.True(heights[^1].Y > Panels[0].Bottom - 40, $"ends at {heights[^1]}");
        Assert.InRange(heights[0].X, Left, Left + 3);
        Assert.InRange(heights[^1].X, Right - 3, Right + 2);
    }

    [Fact]
    public void Write_Validations_AreDotsAtTheirSteps()
    {
        LossCurve.Write(Path, Rows(1000, _ => 100), [Validation(250, 90), Validation(1000, 110)]);

        // Red at a quarter of the width and at its end, and nowhere between.
        var red = Heights(Panels[0], pixel => pixel is { R: > 150, G: < 90, B: < 90 }).Select(point => point.X).ToList();
        Assert.All(red, x => Assert.True(Math.Abs(x - (Left + 0.25 * (Right - Left))) < 8 || x > Right - 8, $"red at {x}"));
        Assert.Contains(red, x => x < Right - 300);
        Assert.Contains(red, x => x > Right - 8);
    }

    [Fact]
    public void Write_StepsThatAreNotFinite_LeaveAGap()
    {
        LossCurve.Write(Path, Rows(1000, step => step is > 400 and < 600 ? double.NaN : 50 + step % 7), []);

        var drawn = Heights(Panels[0], IsBlue).Select(point => point.X).ToHashSet();
        Assert.DoesNotContain(Left + (Right - Left) / 2, drawn);
        Assert.Contains(Left + (Right - Left) / 4, drawn);
        Assert.Contains(Left + (Right - Left) * 3 / 4, drawn);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Write_FewSteps_IsAPicture(int steps)
    {
        LossCurve.Write(Path, Rows(steps, _ => 0), []);

        var (width, height, _) = Read();
        Assert.Equal((1200, 900), (width, height));
    }

    [Fact]
    public void Write_AnyNumbers_HasALetterForEachOfItsLabels()
    {
        foreach (var (least, greatest) in new[] { (0.0, 1.0), (-3.5, 9), (0.00001, 0.00002), (1, 1e9), (123456, 123457), (5, 5), (1e-4, 1e4), (0.1, 90) })
        {
            foreach (var axis in new[] { Axis.Around([least, greatest], 100, 0), Axis.Exact(least, greatest, 0, 100) })
            {
                var marks = axis.Marks(6);
                Assert.InRange(marks.Count, 2, 7);
                Assert.All(marks, mark => Assert.InRange(axis.At(mark), -0.01, 100.01));
                var labels = marks.Select(mark => Axis.Text(mark, marks)).ToList();
                Assert.Equal(labels.Count, labels.Distinct().Count());
                Assert.All(labels, label => Assert.All(label, letter => Assert.True(BitmapFont.Has(letter), $"no letter for '{letter}' in {label}")));
            }
        }
        Assert.All("losses per image training validation reconstruction KL (log) step no steps yet", letter => Assert.True(BitmapFont.Has(letter)));
    }

    private static bool IsBlue((int R, int G, int B) pixel) => pixel is { R: < 110, B: > 130 } && pixel.B - pixel.R > 60;

    /// <summary>The pixels of a panel that look right, column by column from the left; inside its frame.</summary>
    private List<(int X, int Y)> Heights((int Top, int Bottom) panel, Func<(int R, int G, int B), bool> looks)
    {
        var (width, _, pixels) = Read();
        return [.. from x in Enumerable.Range(Left + 1, Right - Left)
                   from y in Enumerable.Range(panel.Top, panel.Bottom - panel.Top)
                   let at = (y * width + x) * 3
                   where looks((pixels[at], pixels[at + 1], pixels[at + 2]))
                   select (x, y)];
    }

    private (int Width, int Height, byte[] Pixels) Read() => PngPixels.Read(File.ReadAllBytes(Path));

    private static List<MetricsRow> Rows(int count, Func<int, double> loss) => [.. Enumerable.Range(1, count).Select(step =>
        new MetricsRow(step, 0, 16, loss(step), loss(step) * 0.9, loss(step) * 0.1, 20, 1, 1e-3, 1, 100, step))];

    private static ValidationRow Validation(long step, double loss) => new(step, 0, 16, loss, loss * 0.9, loss * 0.1, 20, 3);
}
