using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace VaeCluster.Config.Runs;

/// <summary>What a run came to: summary.json, and what `vaecluster inspect --json` prints.</summary>
public sealed record RunSummary
{
    /// <summary>Keys in snake_case; numbers that are not finite by name.</summary>
    public static readonly JsonSerializerOptions Format = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>Completed steps.</summary>
    public required long Step { get; init; }

    public long? TotalSteps { get; init; }

    /// <summary>The run reached its length.</summary>
    public bool Finished { get; init; }

    public long Epoch { get; init; }

    /// <summary>Over parameters and buffers after the last step; null while none are there.</summary>
    public string? WeightsSha256 { get; init; }

    public double? ImagesPerSecondMedian { get; init; }

    /// <summary>Number of trained values.</summary>
    public long? Parameters { get; init; }

    /// <summary>Of the last step, per sample.</summary>
    public double? Loss { get; init; }

    public double? Recon { get; init; }

    public double? Kl { get; init; }

    public double? Psnr { get; init; }

    /// <summary>Steps whose gradient was not finite, and changed nothing.</summary>
    public long SkippedSteps { get; init; }

    /// <summary>The last one, under the names of validation.csv.</summary>
    public JsonObject? Validation { get; init; }

    /// <summary>Spent in training, validation and pictures.</summary>
    public double? Seconds { get; init; }

    /// <summary>What has to be the same for the same bits: device, kernels, libraries.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>Every key, resolved.</summary>
    public JsonObject? Config { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, Format);

    public static RunSummary FromJson(string json, string path)
    {
        try
        {
            return JsonSerializer.Deserialize<RunSummary>(json, Format) ?? throw new JsonException("it is empty");
        }
        catch (JsonException e)
        {
            throw new UserErrorException($"{path}: is not a summary of a run: {e.Message}", e);
        }
    }

    /// <summary>What the series of steps tells, where a run was cut off before it wrote a summary.</summary>
    public static RunSummary FromMetrics(RunConfig config, IReadOnlyList<MetricsRow> rows)
    {
        var last = rows.Count > 0 ? rows[^1] : null;
        return new RunSummary
        {
            Step = last?.Step ?? 0,
            TotalSteps = config.Train.Steps,
            Epoch = last?.Epoch ?? 0,
            ImagesPerSecondMedian = Median(rows.Select(row => row.ImagesPerSecond)),
            Loss = last?.Loss,
            Recon = last?.Recon,
            Kl = last?.Kl,
            Psnr = last?.Psnr,
            Seconds = last?.Seconds,
            Config = config.ToJson(),
        };
    }

    public static double? Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        if (sorted.Count == 0) return null;
        var middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
