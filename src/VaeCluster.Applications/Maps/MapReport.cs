using System.Globalization;
using System.Net;
using System.Text;
using VaeCluster.Applications.Sheets;
using VaeCluster.Config.Runs;

namespace VaeCluster.Applications.Maps;

/// <summary>A <see cref="LatentMap"/>, and the losses of the run that the model is of, as one HTML file that needs nothing else.</summary>
public static class MapReport
{
    private const int Colours = 10; // of the style sheet
    private const int MostBars = 160;
    private const int Columns = 500; // of a loss chart: more steps are averaged

    /// <param name="source">Of the images, as the user named it.</param>
    /// <param name="losses">Null where the model is of no run.</param>
    public static string Write(LatentMap map, AppliedModel model, string source, (IReadOnlyList<MetricsRow> Steps, IReadOnlyList<ValidationRow> Validations)? losses)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(model);
        var page = new StringBuilder();
        var title = $"The latents of {model.Name}";
        page.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        page.Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n");
        page.Append(CultureInfo.InvariantCulture, $"<title>{Text(title)}</title>\n<style>\n{Style()}</style>\n</head>\n<body>\n<header><h1>{Text(title)}</h1>\n");
        page.Append(Figures(map, model, source)).Append("</header>\n<main>\n");
        Section(page, "Where the images lie", Points(map));
        Section(page, map.HasManifold ? "The manifold" : "The plane of the two components, decoded", Plane(map));
        foreach (var (heading, content) in Numbers(map, model)) Section(page, heading, content);
        if (losses is { Steps.Count: > 0 } series) Section(page, "Losses per image", Losses(series.Steps, series.Validations), wide: true);
        return page.Append("</main>\n</body>\n</html>\n").ToString();
    }

    private static void Section(StringBuilder page, string heading, string content, bool wide = false) =>
        page.Append(CultureInfo.InvariantCulture, $"<section{(wide ? " class=\"wide\"" : "")}><h2>{Text(heading)}</h2>\n{content}\n</section>\n");

    private static string Figures(LatentMap map, AppliedModel model, string source)
    {
        var statistics = map.Statistics;
        var all = Enumerable.Range(0, statistics.Numbers).ToList();
        List<(string, string)> figures =
        [
            ("images", string.Create(CultureInfo.InvariantCulture, $"{statistics.Images:N0} of {source}")),
            ("latent", $"{model.LatentShape}, {statistics.Numbers:N0} numbers"),
            ("active units", $"{statistics.Active:N0} of {statistics.Numbers:N0}"),
        ];
        if (model.Model.Variational) figures.Add(("KL", string.Create(CultureInfo.InvariantCulture, $"{all.Sum(statistics.Kl):G4} nats an image")));
        return $"<dl>{string.Concat(figures.Select(figure => $"<div><dt>{Text(figure.Item1)}</dt><dd>{Text(figure.Item2)}</dd></div>"))}</dl>\n";
    }

    private static string Points(LatentMap map)
    {
        var groups = map.Images.Index().GroupBy(pair => pair.Item.Label ?? "", pair => pair.Index).ToDictionary(group => group.Key, group => group.ToList());
        // The labels with most images have a colour each; the rest share one.
        var named = groups.Keys.OrderByDescending(label => groups[label].Count).Take(groups.Count > Colours ? Colours - 1 : Colours)
            .OrderBy(label => label.Length).ThenBy(label => label, StringComparer.Ordinal).ToList();
        var rest = groups.Where(group => !named.Contains(group.Key)).SelectMany(group => group.Value).ToList();
        var series = named.Select((label, index) => new ChartSeries(label.Length == 0 ? "no label" : label, groups.Count == 1 ? "none" : $"c{index}", PlacesOf(groups[label]))).ToList();
        if (rest.Count > 0) series.Add(new($"{groups.Count - named.Count} more", "other", PlacesOf(rest)));
        var shares = map.Components.Shares;
        var chart = SvgChart.Points("The images along the two principal components of their latents", Axis(0), Axis(1), series);
        var legend = groups.Count == 1 ? "" : $"<ul class=\"legend\">{string.Concat(series.Select(one => $"<li><i class=\"{one.Class}\"></i>{Text(one.Name)} ({one.Points.Count:N0})</li>"))}</ul>";
        return chart + legend;

        string Axis(int component) => string.Create(CultureInfo.InvariantCulture, $"component {component + 1}: {100 * shares[component]:F1} % of the variance");
        IReadOnlyList<(double, double)> PlacesOf(List<int> points) => [.. points.Select(point => (map.Components.Places[point, 0], map.Components.Places[point, 1]))];
    }

    private static string Plane(LatentMap map)
    {
        var sheet = PictureGrid.Draw(map.Plane, map.PlaneSide);
        var words = map.HasManifold
            ? "What the decoder makes of the quantiles of the prior: the first number to the right, the second upwards."
            : "What the decoder makes of the plane above, two standard deviations to each side of the middle; all other directions at their mean.";
        return $"<p>{words}</p><img{(sheet.Width < 1200 ? " class=\"small\"" : "")} alt=\"{Text(words)}\" src=\"data:image/png;base64,{Convert.ToBase64String(sheet.Encode())}\">";
    }

    private static IEnumerable<(string Heading, string Content)> Numbers(LatentMap map, AppliedModel model)
    {
        const int height = 240;
        var statistics = map.Statistics;
        var order = statistics.ByWeight;
        var some = order.Take(MostBars).ToList();
        var which = some.Count < order.Count ? $"number of the latent: the {some.Count} with most of it, of {order.Count:N0}" : "number of the latent, by its KL";
        if (model.Model.Variational)
        {
            yield return ("KL per number, in nats", SvgChart.Bars("KL of each number", which, height,
                [.. some.Select(number => (statistics.Kl(number), statistics.IsActive(number) ? "kl" : "idle", Title(number, statistics.Kl(number))))])
                + "<p>Grey: not active, the same for every image.</p>");
            yield return ("Variance left open by the encoder", SvgChart.Bars("Mean variance of each number", which, height,
                [.. some.Select(number => (statistics.MeanVariance(number), statistics.IsActive(number) ? "left" : "idle", Title(number, statistics.MeanVariance(number))))])
                + "<p>1 is the prior's: nothing is known. Near 0 the number is precise.</p>");
        }
        yield return ("Variance of the mean over the images", SvgChart.Bars("Variance of each number's mean", which, height,
            [.. some.Select(number => (statistics.VarianceOfMean(number), statistics.IsActive(number) ? "moves" : "idle", Title(number, statistics.VarianceOfMean(number))))])
            + "<p>Above 0.01 a number counts as active.</p>");
        if (map.Shown.Count > 1)
        {
            yield return ("Correlation of the means", SvgChart.Heat("Correlation of the numbers with each other", map.Correlation, index => $"number {map.Shown[index]}")
                + $"<p>The {map.Shown.Count} numbers that say most, in that order. <span style=\"color:var(--plus)\">Red</span> together, "
                + "<span style=\"color:var(--minus)\">blue</span> against each other.</p>");
        }

        static string Title(int number, double value) => string.Create(CultureInfo.InvariantCulture, $"number {number}: {value:G3}");
    }

    private static string Losses(IReadOnlyList<MetricsRow> steps, IReadOnlyList<ValidationRow> validations)
    {
        return $"<div class=\"charts\">{Chart("loss", row => row.Loss, row => row.Loss)}{Chart("reconstruction", row => row.Recon, row => row.Recon)}{Chart("kl", row => row.Kl, row => row.Kl)}</div>"
            + "<p>Lines: training. Dots: validation.</p>";

        string Chart(string name, Func<MetricsRow, double> of, Func<ValidationRow, double> validation)
        {
            var title = name == "kl" ? "KL" : name;
            var chart = SvgChart.Lines($"{title} over the steps", "step", 260, new(title, name, Thinned([.. steps.Select(row => ((double)row.Step, of(row)))])),
                new("validation", "validation", [.. validations.Select(row => ((double)row.Step, validation(row)))]));
            return $"<figure><figcaption>{title}</figcaption>{chart}</figure>";
        }
    }

    private static List<(double X, double Y)> Thinned(List<(double X, double Y)> points)
    {
        var each = (points.Count + Columns - 1) / Columns;
        return each <= 1 ? points : [.. points.Chunk(each).Select(chunk => (chunk[^1].X, chunk.Average(point => point.Y)))];
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Style()
    {
        using var stream = typeof(MapReport).Assembly.GetManifestResourceStream("report.css")!;
        return new StreamReader(stream).ReadToEnd();
    }
}
