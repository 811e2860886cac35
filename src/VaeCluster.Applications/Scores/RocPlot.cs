using System.Globalization;
using VaeCluster.Config.Drawing;
using VaeCluster.Data.Images;

namespace VaeCluster.Applications.Scores;

/// <summary>ROC curves of several scores in one picture, with their areas and the diagonal that chance gives.</summary>
internal static class RocPlot
{
    private const int Left = 110, Top = 84, Side = 620, Bottom = 90, LegendLine = 26;

    private static readonly Ink Ground = new(255, 255, 255), Frame = new(120, 120, 120), Grid = new(228, 228, 228), Black = new(30, 30, 30);

    public static Picture Draw(IReadOnlyList<(string Name, RocCurve Curve)> curves)
    {
        var canvas = new Canvas(Left + Side + 40, Top + Side + Bottom + LegendLine * curves.Count, Ground);
        var (across, up) = (Axis.Exact(0, 1, Left, Left + Side), Axis.Exact(0, 1, Top + Side, Top));
        var first = curves[0].Curve;
        canvas.Text(Left, 16, FormattableString.Invariant($"{first.Anomalies} anomalies among {first.Anomalies + first.Normal} images"), Black);
        double[] marks = [0, 0.2, 0.4, 0.6, 0.8, 1];
        foreach (var mark in marks)
        {
            var (x, y) = ((int)across.At(mark), (int)up.At(mark));
            canvas.Fill(x, Top, 1, Side, Grid);
            canvas.Fill(Left, y, Side, 1, Grid);
            canvas.Text(x, Top + Side + 10, Axis.Text(mark, marks), Black, align: Align.Centre);
            canvas.Text(Left - 10, y - 7, Axis.Text(mark, marks), Black, align: Align.Right);
        }
        canvas.Text(Left + Side / 2, Top + Side + 40, "normal images above the threshold", Black, align: Align.Centre);
        canvas.Text(Left, Top - 28, "anomalies above it", Frame);
        canvas.Line(across.At(0), up.At(0), across.At(1), up.At(1), 1, Frame);
        foreach (var (index, (name, curve)) in curves.Index())
        {
            var ink = Inks[index % Inks.Length];
            for (var i = 1; i < curve.Points.Count; i++)
            {
                var (a, b) = (curve.Points[i - 1], curve.Points[i]);
                canvas.Line(across.At(a.FalsePositiveRate), up.At(a.TruePositiveRate), across.At(b.FalsePositiveRate), up.At(b.TruePositiveRate), 2.5, ink);
            }
            var y = Top + Side + 72 + index * LegendLine;
            canvas.Line(Left, y + 7, Left + 40, y + 7, 4, ink);
            canvas.Text(Left + 54, y, $"{name}  {curve.Area.ToString("F3", CultureInfo.InvariantCulture)}", Black);
        }
        canvas.Fill(Left, Top, 1, Side, Frame);
        canvas.Fill(Left, Top + Side, Side + 1, 1, Frame);
        return canvas.ToPicture();
    }

    private static readonly Ink[] Inks = [new(36, 96, 176), new(20, 120, 79), new(123, 63, 160), new(194, 51, 31), new(190, 120, 10)];
}
