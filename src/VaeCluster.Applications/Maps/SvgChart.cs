using System.Globalization;
using System.Net;
using System.Text;
using VaeCluster.Config.Drawing;

namespace VaeCluster.Applications.Maps;

/// <summary>A line or points of one colour.</summary>
/// <param name="Name">In the legend.</param>
/// <param name="Class">Of the style sheet: it gives the colour.</param>
/// <param name="Points">Not finite: a gap.</param>
internal sealed record ChartSeries(string Name, string Class, IReadOnlyList<(double X, double Y)> Points);

/// <summary>Charts as SVG, to stand in a page that has the colours: axes with round numbers, lines, points, bars, a heat map.</summary>
internal static class SvgChart
{
    private const int Width = 640, Left = 58, Right = 12, Top = 10, Bottom = 38;

    public static string Lines(string label, string across, int height, ChartSeries lines, ChartSeries? dots = null)
    {
        var all = lines.Points.Concat(dots?.Points ?? []).Where(point => double.IsFinite(point.Y)).ToList();
        var (x, y) = (Axis.Exact(all.Select(point => point.X).DefaultIfEmpty(0).Min(), all.Select(point => point.X).DefaultIfEmpty(1).Max(), Left, Width - Right),
            Axis.Around([.. all.Select(point => point.Y)], height - Bottom, Top));
        var svg = Begin(label, height);
        Frame(svg, x, y, height, across, y.IsLogarithmic ? "log" : "");
        var path = new StringBuilder();
        var pen = false;
        foreach (var (px, py) in lines.Points)
        {
            if (!double.IsFinite(py) || (y.IsLogarithmic && py <= 0))
            {
                pen = false;
                continue;
            }
            path.Append(CultureInfo.InvariantCulture, $"{(pen ? 'L' : 'M')}{x.At(px):F1} {y.At(py):F1}");
            pen = true;
        }
        svg.Append(CultureInfo.InvariantCulture, $"<path class=\"{lines.Class}\" d=\"{path}\"/>");
        foreach (var (px, py) in dots?.Points ?? [])
        {
            if (double.IsFinite(py) && !(y.IsLogarithmic && py <= 0)) svg.Append(CultureInfo.InvariantCulture, $"<circle class=\"{dots!.Class}\" cx=\"{x.At(px):F1}\" cy=\"{y.At(py):F1}\" r=\"4\"/>");
        }
        return svg.Append("</svg>").ToString();
    }

    /// <summary>Each series as one path of dots, so that thousands of points stay a small file. Both axes in one scale.</summary>
    public static string Points(string label, string across, string up, IReadOnlyList<ChartSeries> series)
    {
        var all = series.SelectMany(one => one.Points).ToList();
        var (x, y) = SameScale(all);
        var svg = Begin(label, Width);
        Frame(svg, x, y, Width, across, up);
        // Largest first, so that the rare ones lie on top.
        foreach (var one in series.OrderByDescending(one => one.Points.Count))
        {
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"points {one.Class}\" d=\"");
            foreach (var (px, py) in one.Points) svg.Append(CultureInfo.InvariantCulture, $"M{x.At(px):F1} {y.At(py):F1}h0");
            svg.Append("\"/>");
        }
        return svg.Append("</svg>").ToString();
    }

    public static string Bars(string label, string across, int height, IReadOnlyList<(double Value, string Class, string Title)> bars)
    {
        var y = Axis.Exact(0, Math.Max(bars.Select(bar => bar.Value).DefaultIfEmpty(0).Max(), 1e-12) * 1.05, height - Bottom, Top);
        var x = Axis.Exact(0, bars.Count, Left, Width - Right);
        var svg = Begin(label, height);
        Frame(svg, null, y, height, across, "");
        var wide = (Width - Left - Right) / (double)Math.Max(1, bars.Count);
        foreach (var (index, (value, @class, title)) in bars.Index())
        {
            var (left, top) = (x.At(index) + wide * 0.1, y.At(value));
            svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"{@class}\" x=\"{left:F2}\" y=\"{top:F2}\" width=\"{wide * 0.8:F2}\" height=\"{height - Bottom - top:F2}\">");
            svg.Append(CultureInfo.InvariantCulture, $"<title>{WebUtility.HtmlEncode(title)}</title></rect>");
        }
        return svg.Append("</svg>").ToString();
    }

    /// <summary>Values from -1 to 1; the sign by the colour, the size by how much of it.</summary>
    public static string Heat(string label, double[,] values, Func<int, string> nameOf)
    {
        var side = values.GetLength(0);
        var cell = Width / (double)side;
        var svg = Begin(label, Width, "heat");
        for (var row = 0; row < side; row++)
        {
            for (var column = 0; column < side; column++)
            {
                var value = values[row, column];
                svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"{(value < 0 ? "minus" : "plus")}\" x=\"{column * cell:F2}\" y=\"{row * cell:F2}\"");
                svg.Append(CultureInfo.InvariantCulture, $" width=\"{cell:F2}\" height=\"{cell:F2}\" opacity=\"{Math.Abs(value):F3}\">");
                svg.Append(CultureInfo.InvariantCulture, $"<title>{nameOf(row)}, {nameOf(column)}: {value:F2}</title></rect>");
            }
        }
        return svg.Append("</svg>").ToString();
    }

    private static StringBuilder Begin(string label, int height, string kind = "chart") =>
        new(string.Create(CultureInfo.InvariantCulture, $"<svg class=\"{kind}\" viewBox=\"0 0 {Width} {height}\" role=\"img\" aria-label=\"{WebUtility.HtmlEncode(label)}\">"));

    private static void Frame(StringBuilder svg, Axis? x, Axis y, int height, string across, string up)
    {
        var marks = y.Marks(6);
        foreach (var mark in marks)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"grid\" d=\"M{Left} {y.At(mark):F1}H{Width - Right}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 6}\" y=\"{y.At(mark) + 4:F1}\" text-anchor=\"end\">{Axis.Text(mark, marks)}</text>");
        }
        var below = x?.Marks(7) ?? [];
        foreach (var mark in below)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"grid\" d=\"M{x!.At(mark):F1} {Top}V{height - Bottom}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x.At(mark):F1}\" y=\"{height - Bottom + 16}\" text-anchor=\"middle\">{Axis.Text(mark, below)}</text>");
        }
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{(Left + Width - Right) / 2}\" y=\"{height - 6}\" text-anchor=\"middle\">{WebUtility.HtmlEncode(across)}</text>");
        if (up.Length > 0) svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left + 6}\" y=\"{Top + 12}\">{WebUtility.HtmlEncode(up)}</text>");
    }

    private static (Axis X, Axis Y) SameScale(List<(double X, double Y)> points)
    {
        const double room = 1.06;
        var (left, right) = (points.Min(point => point.X), points.Max(point => point.X));
        var (low, high) = (points.Min(point => point.Y), points.Max(point => point.Y));
        var perPixel = Math.Max(Math.Max((right - left) / (Width - Left - Right), (high - low) / (Width - Top - Bottom)), 1e-12) * room;
        var (halfAcross, halfUp) = (perPixel * (Width - Left - Right) / 2, perPixel * (Width - Top - Bottom) / 2);
        var (middle, centre) = ((left + right) / 2, (low + high) / 2);
        return (Axis.Exact(middle - halfAcross, middle + halfAcross, Left, Width - Right), Axis.Exact(centre - halfUp, centre + halfUp, Width - Bottom, Top));
    }
}
