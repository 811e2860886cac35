using VaeCluster.Models.Objectives;

namespace VaeCluster.Models.Tests.Objectives;

public class LossReportTests
{
    private static readonly LossSums Sums = new(Samples: 4, Recon: 96, Kl: 8, SquaredError: 0.48, Total: 100);

    [Fact]
    public void Of_Sums_DividesBySamplesPixelsAndLatents()
    {
        var report = LossReport.Of(Sums, new(3, 2, 2), new(2, 1, 1), PixelRange.ZeroToOne);

        Assert.Equal((25, 24, 2), (report.Loss, report.Recon, report.Kl));
        Assert.Equal(2, report.ReconPerPixel);
        Assert.Equal(1, report.KlPerLatent);
    }

    [Theory]
    [InlineData(PixelRange.ZeroToOne, 20)]
    [InlineData(PixelRange.MinusOneToOne, 26.0206)]
    public void Of_Sums_GivesPsnrForTheRangeOfThePixels(PixelRange range, double decibels) =>
        Assert.Equal(decibels, LossReport.Of(Sums, new(3, 2, 2), new(2, 1, 1), range).Psnr, 1e-4);

    [Fact]
    public void Add_Sums_AddsEachOfThem() =>
        Assert.Equal(new LossSums(8, 192, 16, 0.96, 200), Sums + Sums);
}
