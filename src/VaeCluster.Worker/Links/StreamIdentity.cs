using System.Globalization;
using Grpc.Core;
using VaeCluster.Collectives;

namespace VaeCluster.Worker.Links;

/// <summary>
/// Who opens a stream of segments, and under which plan: in the call's metadata, so that the receiver can judge the stream,
/// and wait for a plan that it does not have yet, before the first segment is read.
/// </summary>
internal sealed record StreamIdentity(string Run, Generation Generation, string WorkerId, int Rank)
{
    private const string RunKey = "vaecluster-run-bin";
    private const string GenerationKey = "vaecluster-generation";
    private const string WorkerKey = "vaecluster-worker";
    private const string RankKey = "vaecluster-rank";

    public Metadata ToMetadata() => new()
    {
        { RunKey, System.Text.Encoding.UTF8.GetBytes(Run) },
        { GenerationKey, Generation.ToString() },
        { WorkerKey, WorkerId },
        { RankKey, Rank.ToString(CultureInfo.InvariantCulture) },
    };

    /// <returns>Null when something is missing or no number.</returns>
    public static StreamIdentity? From(Metadata metadata)
    {
        var run = metadata.GetValueBytes(RunKey);
        var generation = metadata.GetValue(GenerationKey)?.Split('.');
        if (run is null || generation is not [var term, var number]) return null;
        if (metadata.GetValue(WorkerKey) is not { Length: > 0 and <= 64 } worker) return null;
        if (!TryParse(term, out ulong termValue) || !TryParse(number, out ulong numberValue) || !TryParse(metadata.GetValue(RankKey), out int rank)) return null;
        return new(System.Text.Encoding.UTF8.GetString(run), new(termValue, numberValue), worker, rank);
    }

    private static bool TryParse<T>(string? text, out T value)
        where T : struct, System.Numerics.INumber<T>
    {
        if (T.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value)) return true;
        value = default;
        return false;
    }
}
