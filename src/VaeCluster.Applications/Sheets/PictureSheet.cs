using VaeCluster.Config.Drawing;
using VaeCluster.Data.Images;

namespace VaeCluster.Applications.Sheets;

/// <summary>A picture on a sheet, with a line below it.</summary>
public sealed record Cell(Picture Picture, string Caption = "");

/// <summary>
/// Pictures of one size in rows on white, with a title, a heading above each column and a caption below each picture. Small
/// pictures are enlarged by a whole number, so that they can be seen.
/// </summary>
public sealed class PictureSheet
{
    private const int Least = 128; // pixels of a picture's longer side on the sheet
    private const int Margin = 16, Gap = 6, Letters = 18, TextScale = 2;

    private static readonly Ink Ground = new(255, 255, 255), Black = new(30, 30, 30), Grey = new(110, 110, 110);

    private readonly List<IReadOnlyList<Cell?>> rows = [];

    public string Title { get; init; } = "";

    /// <summary>One for each column, or none.</summary>
    public IReadOnlyList<string> Headings { get; init; } = [];

    /// <summary>Enlargement of each pixel; null chooses it by the pictures' size.</summary>
    public int? Scale { get; init; }

    /// <summary>A null leaves its place free.</summary>
    public void Add(params IReadOnlyList<Cell?> row) => rows.Add(row);

    /// <summary>All pictures in reading order, in rows of this many.</summary>
    public void AddAll(IEnumerable<Cell> cells, int columns)
    {
        foreach (var row in cells.Chunk(columns)) Add(row);
    }

    /// <exception cref="InvalidOperationException">There are no pictures, or not of one size.</exception>
    public Picture Draw()
    {
        var cells = rows.SelectMany(row => row).OfType<Cell>().ToList();
        if (cells.Count == 0) throw new InvalidOperationException("A sheet without pictures.");
        var (width, height) = (cells[0].Picture.Width, cells[0].Picture.Height);
        if (cells.Exists(cell => cell.Picture.Width != width || cell.Picture.Height != height)) throw new InvalidOperationException("The pictures of a sheet have one size.");
        var scale = Scale ?? Math.Max(1, (Least + Math.Max(width, height) - 1) / Math.Max(width, height));
        var columns = rows.Max(row => row.Count);
        // A caption that is wider than its picture makes room for itself.
        var texts = cells.Select(cell => cell.Caption).Concat(Headings);
        var across = Math.Max(width * scale, texts.Max(text => Canvas.WidthOf(text, TextScale) + 4)) + Gap;
        var tops = new List<int> { Margin + (Title.Length > 0 ? Letters + 10 : 0) + (Headings.Count > 0 ? Letters + 6 : 0) };
        foreach (var row in rows) tops.Add(tops[^1] + height * scale + Gap + (row.Any(cell => cell?.Caption.Length > 0) ? Letters + 4 : 0));
        var whole = Math.Max(2 * Margin + columns * across - Gap, 2 * Margin + Canvas.WidthOf(Title, TextScale));
        var canvas = new Canvas(whole, tops[^1] - Gap + Margin, Ground);
        canvas.Text(Margin, Margin, Title, Black, TextScale);
        foreach (var (column, heading) in Headings.Index())
            canvas.Text(Middle(column), tops[0] - Letters - 2, heading, Black, TextScale, Align.Centre);
        foreach (var (y, row) in rows.Index())
        {
            foreach (var (x, cell) in row.Index())
            {
                if (cell is null) continue;
                canvas.Picture(Middle(x) - width * scale / 2, tops[y], cell.Picture, scale);
                canvas.Text(Middle(x), tops[y] + height * scale + 5, cell.Caption, Grey, TextScale, Align.Centre);
            }
        }
        return canvas.ToPicture();

        int Middle(int column) => Margin + column * across + (across - Gap) / 2;
    }

    /// <summary>As PNG, by temporary name.</summary>
    public void Save(string path) => Draw().Save(path);
}
