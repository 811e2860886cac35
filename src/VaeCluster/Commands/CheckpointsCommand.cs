using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;
using VaeCluster.Applications.Interchange;
using VaeCluster.Checkpoints;

namespace VaeCluster.Commands;

/// <summary>What is kept of a run, without its trainer: listed, verified, pruned.</summary>
internal static class CheckpointsCommand
{
    private static readonly Argument<string> Place = new("dir")
    {
        Description = "A run folder, a folder of checkpoints, or s3://bucket/prefix.",
    };

    private static readonly Option<bool> AsJson = new("--json") { Description = "Print JSON, its keys in snake_case." };

    private static readonly Option<int?> KeepLast = Keep<int?>("--keep-last", "The newest ones that stay.");

    private static readonly Option<int?> KeepBest = Keep<int?>("--keep-best", "The ones with the lowest validation loss that stay as well.");

    private static readonly Option<long?> KeepEvery = Keep<long?>("--keep-every", "The first one of each span of so many steps stays as well.");

    public static Command Create()
    {
        var list = new ExampleCommand("list", "List the checkpoints, newest first.",
            ("vaecluster checkpoints list runs/digits", "step, validation loss, size and age of each"),
            ("vaecluster checkpoints list s3://bucket/digits --json | jq '.[0].step'", "the newest one in a bucket")) { Place, AsJson };
        list.SetAction((parsed, cancellation) => ListAsync(parsed, cancellation));

        var verify = new ExampleCommand("verify", "Read every byte of the checkpoints and compare it with what was written.",
            ("vaecluster checkpoints verify runs/digits", "exit code 2 and the files' names where any is damaged")) { Place, AsJson };
        verify.SetAction((parsed, cancellation) => VerifyAsync(parsed, cancellation));

        var prune = new ExampleCommand("prune", "Remove the checkpoints that the run's configuration does not keep.",
            ("vaecluster checkpoints prune runs/digits", "by checkpoints.keep_last, keep_best and keep_every of the run"),
            ("vaecluster checkpoints prune runs/digits --keep-last 1 --keep-best 0", "by other numbers")) { Place, KeepLast, KeepBest, KeepEvery, AsJson };
        prune.SetAction((parsed, cancellation) => PruneAsync(parsed, cancellation));

        return new ExampleCommand("checkpoints", "List, verify or prune the checkpoints of a run.",
            ("vaecluster checkpoints list runs/digits", "what the run can be resumed from")) { list, verify, prune };
    }

    private static async Task<int> ListAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var place = CheckpointPlace.Open(parsed.GetRequiredValue(Place));
        var (entries, latest) = await place.ListAsync(cancellation);
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(AsJson))
        {
            output.WriteLine(new JsonArray([.. entries.Select(entry => CheckpointPlace.Describe(entry, latest))]).ToJsonString(CheckpointPlace.Format));
            return ExitCodes.Success;
        }
        if (entries.Count == 0) output.WriteLine($"{place.Storage.Location}: no checkpoints");
        else Terminal.On(output).Write(Table(entries, latest));
        return ExitCodes.Success;
    }

    private static async Task<int> VerifyAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var place = CheckpointPlace.Open(parsed.GetRequiredValue(Place));
        var (entries, latest) = await place.ListAsync(cancellation);
        var output = parsed.InvocationConfiguration.Output;
        var described = new JsonArray();
        var damaged = new List<string>();
        foreach (var entry in entries)
        {
            var problems = await place.Catalog.VerifyAsync(entry, cancellation);
            damaged.AddRange(problems.Select(problem => $"{place.Storage.Location}: {problem}"));
            var description = CheckpointPlace.Describe(entry, latest);
            description["problems"] = new JsonArray([.. problems.Select(problem => JsonValue.Create(problem))]);
            described.Add((JsonNode)description);
            if (!parsed.GetValue(AsJson)) output.WriteLine(problems.Count == 0 ? $"{entry.Name}: good" : $"{entry.Name}: damaged");
        }
        if (parsed.GetValue(AsJson)) output.WriteLine(described.ToJsonString(CheckpointPlace.Format));
        if (latest is not null && entries.All(entry => entry.Name != latest)) damaged.Add($"{place.Storage.Location}: latest names {latest}, which is not there");
        if (damaged.Count > 0) throw new UserErrorException(damaged);
        if (entries.Count == 0) throw new UserErrorException($"{place.Storage.Location}: no checkpoints.");
        return ExitCodes.Success;
    }

    private static async Task<int> PruneAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var place = CheckpointPlace.Open(parsed.GetRequiredValue(Place));
        var options = new CheckpointOptions
        {
            KeepLast = AtLeast(1, parsed.GetValue(KeepLast), "--keep-last") ?? place.Options.KeepLast,
            KeepBest = AtLeast(0, parsed.GetValue(KeepBest), "--keep-best") ?? place.Options.KeepBest,
            KeepEvery = AtLeast(0, parsed.GetValue(KeepEvery), "--keep-every") ?? place.Options.KeepEvery,
        };
        var report = await CheckpointPlace.ReachedAsync(place.Storage, () => place.Catalog.PruneAsync(options, cancellation: cancellation));
        if (report.Warning is not null) throw new UserErrorException(report.Warning);
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(AsJson)) output.WriteLine(new JsonArray([.. report.Removed.Select(name => JsonValue.Create(name))]).ToJsonString(CheckpointPlace.Format));
        else output.WriteLine(report.Removed.Count == 0 ? "Nothing to remove." : $"Removed {string.Join(", ", report.Removed)}");
        return ExitCodes.Success;
    }

    private static Table Table(IReadOnlyList<CheckpointEntry> entries, string? latest)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("checkpoint", "epoch", "validation loss", "MB", "saved", "");
        foreach (var entry in entries)
        {
            var metadata = entry.Record?.Metadata;
            table.AddRow(new[]
            {
                entry.Name,
                Text(metadata?.Epoch, "0"),
                Text(metadata?.ValidationLoss, "G6"),
                Text(entry.Record?.TotalBytes() / 1e6, "F1"),
                entry.Record?.SavedAt.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) ?? "",
                entry.Problem ?? (entry.Name == latest ? "latest" : ""),
            }.Select(Markup.Escape).ToArray());
        }
        return table;
    }

    private static string Text(IFormattable? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";

    private static T? AtLeast<T>(T least, T? value, string option) where T : struct, IComparable<T> =>
        value is { } given && given.CompareTo(least) < 0 ? throw new UserErrorException($"{option} {given}: must be at least {least}.") : value;

    private static Option<T> Keep<T>(string name, string description) => new(name) { Description = description, HelpName = "n" };
}
