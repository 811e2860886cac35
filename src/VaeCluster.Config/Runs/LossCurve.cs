using VaeCluster.Config.Drawing;

namespace VaeCluster.Config.Runs;

/// <summary>
/// The losses over the steps as a picture: loss, reconstruction and KL below each other, since they differ in size, each
/// with its validations as dots. Where several steps share a column of pixels, the line is their mean, in a band from the
/// least to the greatest.
/// </summary>
public static class LossCurve
{
    private const int Width = 1200;
    private const int Left = 110;
    private const int Right = 60;
    private const int Top = 64;
    private const int Bottom = 70;
    private const int PanelHeight = 230;
    private const int Gap = 38;

    private static readonly Ink Ground = new(255, 255, 255), Frame = new(120, 120, 120), Grid = new(228, 228, 228), Black = new(30, 30, 30);
    private static readonly Ink Validated = new(200, 40, 30), Halo = new(255, 255, 255);

    private static readonly (string Title, Ink Ink, Func<MetricsRow, double> Of, Func<ValidationRow, double> Validation)[] Panels =
    [
        ("loss", new(35, 90, 170), row => row.Loss, row => row.Loss),
        ("reconstruction", new(20, 120, 80), row => row.Recon, row => row.Recon),
        ("KL", new(130, 70, 160), row => row.Kl, row => row.Kl),
    ];

    /// <param name="path">A PNG, replaced as a whole.</param>
    /// <param name="rows">In the order of their steps; what is not finite leaves a gap.</param>
    /// <param name="validations">In the order of their steps.</param>
    public static void Write(string path, IReadOnlyList<MetricsRow> rows, IReadOnlyList<ValidationRow> validations)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(validations);
        var height = Top + Panels.Length * PanelHeight + (Panels.Length - 1) * Gap + Bottom;
        var canvas = new Canvas(Width, height, Ground);
        var steps = rows.Select(row => row.Step).Concat(validations.Select(row => row.Step)).DefaultIfEmpty(0).ToList();
        var across = Axis.Exact(Math.Min(1, steps.Min()), steps.Max(), Left, Width - Right);
        WriteLegend(canvas);
        foreach (var (index, panel) in Panels.Index())
        {
            var columns = Columns(rows.Select(row => (row.Step, panel.Of(row))), across);
            var points = validations.Select(row => (X: across.At(row.Step), Y: panel.Validation(row))).Where(point => double.IsFinite(point.Y)).ToList();
            Draw(canvas, Top + index * (PanelHeight + Gap), panel.Title, panel.Ink, across, columns, points, isLast: index == Panels.Length - 1);
        }
        canvas.Save(path);
    }

    private static void WriteLegend(Canvas canvas)
    {
        const int y = 12;
        canvas.Text(Left, y, "losses per image", Black);
        var x = Width - Right - Canvas.WidthOf("validation");
        canvas.Text(x, y, "validation", Black);
        canvas.Dot(x - 16, y + 8, 5, Validated);
        x -= 60 + Canvas.WidthOf("training");
        canvas.Text(x, y, "training", Black);
        canvas.Line(x - 40, y + 8, x - 12, y + 8, 2.5, Panels[0].Ink);
    }

    private static void Draw(Canvas canvas, int top, string title, Ink ink, Axis across, IReadOnlyList<Column?> columns,
        List<(double X, double Y)> points, bool isLast)
    {
        var bottom = top + PanelHeight;
        var up = Axis.Around([.. columns.OfType<Column>().Select(column => column.Mean), .. points.Select(point => point.Y)], bottom, top);

        // 1. Grid, frame, labels.
        var marks = up.Marks(6);
        foreach (var mark in marks)
        {
            var y = (int)Math.Round(up.At(mark));
            canvas.Fill(Left, y, Width - Right - Left, 1, Grid);
            canvas.Text(Left - 10, y - 7, Axis.Text(mark, marks), Black, align: Align.Right);
        }
        var steps = across.Marks(8).Where(mark => mark == Math.Floor(mark)).ToList();
        foreach (var mark in steps)
        {
            var x = (int)Math.Round(across.At(mark));
            canvas.Fill(x, top, 1, PanelHeight, Grid);
            if (isLast) canvas.Text(x, bottom + 10, Axis.Text(mark, steps), Black, align: Align.Centre);
        }
        if (isLast) canvas.Text((Left + Width - Right) / 2, bottom + 40, "step", Black, align: Align.Centre);

        // 2. The band, the line over it, the validations on top.
        var limit = (Top: (double)top, Bottom: (double)bottom);
        foreach (var column in columns.OfType<Column>().Where(column => column.Greatest > column.Least))
        {
            var (high, low) = (Clamp(column.Greatest), Clamp(column.Least));
            canvas.Fill(column.X, (int)high, 1, (int)low - (int)high + 1, ink with { Cover = 0.22 });
        }
        Column? last = null;
        foreach (var column in columns)
        {
            if (column is { } point && last is { } before)
                canvas.Line(before.X, up.At(before.Mean), point.X, up.At(point.Mean), 1.8, ink);
            else if (column is { } single) canvas.Dot(single.X, up.At(single.Mean), 1.2, ink);
            last = column;
        }
        foreach (var (x, y) in points)
        {
            canvas.Dot(x, up.At(y), 6.5, Halo);
            canvas.Dot(x, up.At(y), 5, Validated);
        }
        if (columns.Count == 0 && points.Count == 0) canvas.Text((Left + Width - Right) / 2, top + PanelHeight / 2 - 7, "no steps yet", Frame, align: Align.Centre);

        canvas.Fill(Left, top, 1, PanelHeight, Frame);
        canvas.Fill(Left, bottom, Width - Right - Left + 1, 1, Frame);
        var name = up.IsLogarithmic ? $"{title} (log)" : title;
        canvas.Text(Left, top - 22, name, ink);

        double Clamp(double value) => double.IsFinite(value) && (!up.IsLogarithmic || value > 0) ? Math.Clamp(up.At(value), limit.Top, limit.Bottom) : limit.Bottom;
    }

    /// <summary>The steps of each column of pixels that has any; null stands for steps that were not finite, a gap.</summary>
    private static List<Column?> Columns(IEnumerable<(long Step, double Value)> values, Axis across)
    {
        var columns = new List<Column?>();
        foreach (var (step, value) in values)
        {
            var x = (int)Math.Round(across.At(step));
            if (!double.IsFinite(value))
            {
                if (columns.Count > 0 && columns[^1] is not null) columns.Add(null);
            }
            else if (columns.Count > 0 && columns[^1] is { } column && column.X == x)
            {
                columns[^1] = new(x, column.Sum + value, column.Count + 1, Math.Min(column.Least, value), Math.Max(column.Greatest, value));
            }
            else columns.Add(new(x, value, 1, value, value));
        }
        return columns;
    }

    private readonly record struct Column(int X, double Sum, int Count, double Least, double Greatest)
    {
        public double Mean => Sum / Count;
    }
}
