using System.Collections.Immutable;
using System.Text.Json;
using VaeCluster.Data;

namespace VaeCluster.Coordinator.Runs;

/// <summary>
/// What outlives a coordinator, in the run's folder: coordinator/term-N.json, each made by exclusive creation, and the
/// fingerprint that the first worker set. The run's id stands in the term files.
/// </summary>
public sealed class RunStore
{
    private const string Prefix = "term-";
    private const string Suffix = ".json";
    private static readonly TimeSpan WriteTime = TimeSpan.FromSeconds(2);

    private readonly string folder;

    private RunStore(string folder, string run, ulong term, bool isFirst) => (this.folder, Run, Term, IsFirst) = (folder, run, term, isFirst);

    public string Run { get; }

    /// <summary>Ours.</summary>
    public ulong Term { get; }

    /// <summary>No coordinator has led the run before, so that no worker can know of it. The first term is above 1 where one process trained before.</summary>
    public bool IsFirst { get; }

    private string FingerprintPath => Path.Combine(folder, "fingerprint.json");

    /// <summary>Takes the next term of the run.</summary>
    /// <param name="runFolder">Of the run.</param>
    /// <param name="clock">The time.</param>
    /// <param name="above">The highest term that the checkpoints know: they may come from elsewhere.</param>
    /// <exception cref="UserErrorException">The folder can't be written.</exception>
    public static RunStore TakeTerm(string runFolder, TimeProvider clock, ulong above = 0)
    {
        ArgumentNullException.ThrowIfNull(clock);
        var folder = Path.Combine(runFolder, "coordinator");
        try
        {
            Directory.CreateDirectory(folder);
            for (var term = Math.Max(Newest(folder), above) + 1; ; term++)
            {
                using var file = TryCreate(Path.Combine(folder, $"{Prefix}{term:D6}{Suffix}"));
                if (file is null) continue;
                var known = RunOf(folder, term, clock);
                var run = known ?? Guid.NewGuid().ToString("N")[..16];
                JsonSerializer.Serialize(file, new TermFile(run, term, Environment.MachineName, Environment.ProcessId, clock.GetUtcNow()));
                file.Flush(flushToDisk: true);
                return new RunStore(folder, run, term, known is null);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{folder}: the run's folder can't be written: {exception.Message}", exception);
        }
    }

    /// <summary>Another coordinator has replaced this one if it is above <see cref="Term"/>.</summary>
    public ulong NewestTerm() => Newest(folder);

    public ImmutableSortedDictionary<string, string>? ReadFingerprint()
    {
        if (!File.Exists(FingerprintPath)) return null;
        try
        {
            return JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllText(FingerprintPath))!
                .ToImmutableSortedDictionary(StringComparer.Ordinal);
        }
        catch (JsonException exception)
        {
            throw new UserErrorException($"{FingerprintPath}: is broken: {exception.Message} Delete it to take the next worker's.", exception);
        }
    }

    /// <summary>Whole or not at all.</summary>
    public void WriteFingerprint(ImmutableSortedDictionary<string, string> fingerprint) =>
        Whole.WriteFile(FingerprintPath, temporary => File.WriteAllText(temporary, JsonSerializer.Serialize(fingerprint)));

    private static ulong Newest(string folder) => Directory.EnumerateFiles(folder, Prefix + "*" + Suffix)
        .Select(path => ulong.TryParse(Path.GetFileName(path)[Prefix.Length..^Suffix.Length], out var term) ? term : 0)
        .DefaultIfEmpty()
        .Max();

    private static FileStream? TryCreate(string path)
    {
        try
        {
            return new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        }
        catch (IOException) when (File.Exists(path))
        {
            return null;
        }
    }

    /// <summary>The id that an earlier term wrote. Whoever took it a moment ago may still be writing.</summary>
    private static string? RunOf(string folder, ulong before, TimeProvider clock)
    {
        var start = clock.GetTimestamp();
        for (ulong term = 1; term < before; term++)
        {
            var path = Path.Combine(folder, $"{Prefix}{term:D6}{Suffix}");
            while (File.Exists(path))
            {
                try
                {
                    return JsonSerializer.Deserialize<TermFile>(File.ReadAllText(path))!.Run;
                }
                catch (JsonException) when (clock.GetElapsedTime(start) < WriteTime)
                {
                    Thread.Sleep(10);
                }
                catch (JsonException)
                {
                    // It was killed in between; another term has the id.
                    break;
                }
            }
        }
        return null;
    }

    private sealed record TermFile(string Run, ulong Term, string Host, int ProcessId, DateTimeOffset Time);
}
