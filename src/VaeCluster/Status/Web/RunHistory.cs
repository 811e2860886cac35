using System.Text.Json.Nodes;
using VaeCluster.Config.Runs;

namespace VaeCluster.Status.Web;

/// <summary>
/// What a run has come to so far, for the status page: its losses and its newest pictures, in memory, so that nobody who looks
/// makes us read the run's folder. For any thread.
/// </summary>
internal sealed class RunHistory
{
    private const int MostPictures = 8;
    private const long MostBytes = 8 << 20;

    private readonly Lock gate = new();
    private LossSeries training = new(), validation = new();
    private IReadOnlyList<Picture> pictures = [], before = [];

    /// <summary>In place of what is there.</summary>
    public void Show(IReadOnlyList<MetricsRow> rows, IReadOnlyList<ValidationRow> validations)
    {
        lock (gate)
        {
            (training, validation) = (new(), new());
            foreach (var row in rows) Add(row);
            foreach (var row in validations) Add(row);
        }
    }

    public void Add(MetricsRow row)
    {
        lock (gate) training.Add(row.Step, row.Loss, row.Recon, row.Kl);
    }

    public void Add(ValidationRow row)
    {
        lock (gate) validation.Add(row.Step, row.Loss, row.Recon, row.Kl);
    }

    /// <summary>In place of those that are there; very large ones are left out.</summary>
    /// <exception cref="IOException">One can't be read.</exception>
    public void Show(IEnumerable<(string Name, long Step, string Path)> newest)
    {
        var read = newest.Where(picture => new FileInfo(picture.Path).Length <= MostBytes).Take(MostPictures)
            .Select(picture => new Picture(picture.Name, picture.Step, Path.GetFileName(picture.Path), File.ReadAllBytes(picture.Path))).ToList();
        // Whoever was just told of the ones before may still ask for them.
        lock (gate) (before, pictures) = (pictures, read);
    }

    /// <param name="most">Points of each curve at most.</param>
    public JsonObject LossesToJson(int most)
    {
        lock (gate) return new() { ["training"] = training.ToJson(most), ["validation"] = validation.ToJson(most) };
    }

    public JsonArray PicturesToJson() =>
        [.. Pictures.Select(picture => new JsonObject { ["name"] = picture.Name, ["step"] = picture.Step, ["path"] = $"pictures/{picture.File}" })];

    /// <summary>A picture as PNG; null where there is none of that name, or no longer.</summary>
    /// <param name="file">Its file's name, without a folder.</param>
    public byte[]? Find(string? file)
    {
        lock (gate) return pictures.Concat(before).FirstOrDefault(picture => picture.File == file)?.Png;
    }

    private IReadOnlyList<Picture> Pictures
    {
        get { lock (gate) return pictures; }
    }

    private sealed record Picture(string Name, long Step, string File, byte[] Png);
}
