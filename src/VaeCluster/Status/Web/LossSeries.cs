using System.Text.Json.Nodes;

namespace VaeCluster.Status.Web;

/// <summary>
/// The losses over the steps of a run of any length, in bounded memory: each point is the mean of as many rows, and when there
/// are too many points, any two become one. Not for several threads.
/// </summary>
internal sealed class LossSeries
{
    /// <summary>Points that are kept.</summary>
    public const int Most = 1000;

    private readonly List<Point> points = [];
    private long rowsOfAPoint = 1;

    /// <summary>In the order of the steps. A row that is not finite is in no mean.</summary>
    public void Add(long step, double loss, double reconstruction, double kl)
    {
        var row = double.IsFinite(loss + reconstruction + kl) ? new Point(step, 1, 1, loss, reconstruction, kl) : new Point(step, 1, 0, 0, 0, 0);
        if (points.Count > 0 && points[^1].Rows < rowsOfAPoint)
        {
            points[^1] += row;
            return;
        }
        if (points.Count == Most)
        {
            var halved = Thin(Most / 2);
            points.Clear();
            points.AddRange(halved);
            rowsOfAPoint *= 2;
        }
        points.Add(row);
    }

    /// <summary>A list for each column, null where no row of a point was finite; `step` is the last one of a point.</summary>
    /// <param name="most">Points at most.</param>
    public JsonObject ToJson(int most)
    {
        var shown = Thin(most);
        return new()
        {
            ["step"] = new JsonArray([.. shown.Select(point => JsonValue.Create(point.Step))]),
            ["loss"] = Column(point => point.Loss),
            ["reconstruction"] = Column(point => point.Reconstruction),
            ["kl"] = Column(point => point.Kl),
        };

        JsonArray Column(Func<Point, double> sum) => [.. shown.Select(point => point.Finite == 0 ? null : JsonValue.Create((float)(sum(point) / point.Finite)))];
    }

    /// <summary>As many neighbours each, made one.</summary>
    private List<Point> Thin(int most) =>
        [.. points.Chunk(Math.Max(1, (points.Count + most - 1) / most)).Select(neighbours => neighbours.Aggregate((sum, point) => sum + point))];

    /// <summary>Sums over rows.</summary>
    /// <param name="Step">The last.</param>
    /// <param name="Finite">Rows that are in the sums.</param>
    private readonly record struct Point(long Step, long Rows, long Finite, double Loss, double Reconstruction, double Kl)
    {
        public static Point operator +(Point a, Point b) =>
            new(b.Step, a.Rows + b.Rows, a.Finite + b.Finite, a.Loss + b.Loss, a.Reconstruction + b.Reconstruction, a.Kl + b.Kl);
    }
}
