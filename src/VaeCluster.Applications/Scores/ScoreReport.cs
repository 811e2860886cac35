using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using VaeCluster.Applications.Likelihoods;
using VaeCluster.Applications.Sheets;
using VaeCluster.Config.Runs;
using VaeCluster.Data.Inputs;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Scores;

/// <summary>Where the threshold comes from, and what it is.</summary>
/// <param name="From">quantile or labels.</param>
/// <param name="Value">Images that score higher are taken for anomalies.</param>
/// <param name="Quantile">Of the reference's scores; null where it comes from labels.</param>
/// <param name="Reference">The images that it is a quantile of.</param>
public sealed record ScoreThreshold(string From, double Value, double? Quantile, string? Reference);

/// <summary>The scores of a number of images, what they say of labels, and what lies beyond the threshold.</summary>
public sealed class ScoreReport
{
    private const int Columns = 6;

    private static readonly JsonSerializerOptions Json = new(RunSummary.Format) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private readonly AppliedModel model;
    private readonly List<ScoredImage> ranked;
    private readonly Dictionary<ImageOrigin, bool>? anomalous;

    /// <param name="scored">In any order.</param>
    /// <param name="by">What they are ranked and held against the threshold by.</param>
    /// <param name="labels">Null where nothing is known.</param>
    /// <param name="reference">Scores of normal images that give the threshold, and where they are from; null for none.</param>
    public ScoreReport(AppliedModel model, IReadOnlyList<ScoredImage> scored, ScoreKind by, LabelRule? labels, double quantile, bool thresholdFromLabels,
        (string Name, IReadOnlyList<ScoredImage> Images)? reference)
    {
        ArgumentNullException.ThrowIfNull(model);
        this.model = model;
        By = by;
        ranked = [.. scored.OrderByDescending(one => one.Scores[by]).ThenBy(one => one.Image.Index)];
        if (labels is not null)
        {
            var flags = labels.Apply(ranked);
            anomalous = ranked.Index().ToDictionary(pair => pair.Item.Image, pair => flags[pair.Index]);
            Curves = [.. Kinds.Select(kind => (kind, RocCurve.Of([.. ranked.Select(one => one.Scores[kind])], flags)))];
        }
        if (thresholdFromLabels)
        {
            // Between the last score that counts and the next one: `above` is the rule of both thresholds.
            var best = Curves.First(curve => curve.Kind == by).Curve.Best.Threshold;
            var below = ranked.Select(one => one.Scores[by]).Where(score => score < best).DefaultIfEmpty(best - 1).Max();
            Threshold = new("labels", (best + below) / 2, null, null);
        }
        else if (reference is { } known)
            Threshold = new("quantile", Quantile.Of(known.Images.Select(one => one.Scores[by]), quantile), quantile, known.Name);
    }

    public ScoreKind By { get; }

    public ScoreThreshold? Threshold { get; }

    /// <summary>Of each score; empty without labels.</summary>
    public IReadOnlyList<(ScoreKind Kind, RocCurve Curve)> Curves { get; } = [];

    /// <summary>Images beyond the threshold.</summary>
    public int Flagged => ranked.Count(IsFlagged);

    public int Count => ranked.Count;

    private IEnumerable<ScoreKind> Kinds => Likelihood.ReasonForNone(model) is null ? Enum.GetValues<ScoreKind>() : [ScoreKind.Recon];

    /// <summary>As the command line and the files have it: snake_case.</summary>
    public static string NameOf(ScoreKind kind) => JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString());

    /// <summary>scores.csv, scores.json, top.png, and with labels roc.png.</summary>
    /// <param name="images">That were scored: the top ones are read once more for the sheet.</param>
    /// <param name="top">How many the sheet has.</param>
    public void Write(OutputFolder output, ImageInputs images, int top, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(images);
        using (var table = new StreamWriter(output.In("scores.csv"), append: false, new UTF8Encoding(false)) { NewLine = "\n" })
        {
            table.WriteLine($"rank,name,label,anomaly,flagged,{string.Join(',', Kinds.Select(NameOf))},complexity_bits");
            foreach (var (rank, one) in ranked.Index())
            {
                var scores = Kinds.Select(kind => one.Scores[kind].ToString("R", CultureInfo.InvariantCulture));
                var known = anomalous is null ? "" : anomalous[one.Image] ? "1" : "0";
                var flag = Threshold is null ? "" : IsFlagged(one) ? "1" : "0";
                table.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{rank + 1},{Csv.Cell(one.Image.Name)},{Csv.Cell(one.Image.Label)},{known},{flag},{string.Join(',', scores)},{one.Scores.ComplexityBits}"));
            }
        }
        File.WriteAllText(output.In("scores.json"), JsonSerializer.Serialize(Description(), Json) + "\n");
        if (Curves.Count > 0) RocPlot.Draw([.. Curves.Select(curve => (NameOf(curve.Kind).Replace('_', ' '), curve.Curve))]).Save(output.In("roc.png"));
        if (top > 0) Sheet(images, top, cancellation).Save(output.In("top.png"));
    }

    private object Description() => new
    {
        Model = model.Name,
        Images = Count,
        By = NameOf(By),
        Threshold,
        Flagged = Threshold is null ? (int?)null : Flagged,
        Auroc = Curves.Count == 0 ? null : Curves.ToDictionary(curve => NameOf(curve.Kind), curve => curve.Curve.Area),
        Anomalies = Curves.Count == 0 ? (long?)null : Curves[0].Curve.Anomalies,
    };

    private bool IsFlagged(ScoredImage one) => Threshold is { } threshold && one.Scores[By] > threshold.Value;

    private PictureSheet Sheet(ImageInputs images, int top, CancellationToken cancellation)
    {
        var sheet = new PictureSheet { Title = $"most unusual by {NameOf(By).Replace('_', ' ')}: image, reconstruction" };
        var cells = new List<Cell>();
        foreach (var one in ranked.Take(top))
        {
            using var scope = NewDisposeScope();
            using var guard = no_grad();
            var read = images.Batches(1, one.Image.Index, one.Image.Index + 1, cancellation).Single();
            var pixels = model.ToTensor(read);
            var (mean, _) = model.Encode(pixels);
            var label = one.Image.Label is { Length: <= 8 } word ? $" ({word})" : "";
            cells.Add(new(model.ToPictures(pixels)[0], one.Scores[By].ToString("G4", CultureInfo.InvariantCulture) + label));
            cells.Add(new(model.ToPictures(model.Decode(mean))[0]));
        }
        sheet.AddAll(cells, Columns);
        return sheet;
    }
}
