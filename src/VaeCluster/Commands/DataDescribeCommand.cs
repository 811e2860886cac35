using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using VaeCluster.Data;
using VaeCluster.Data.Describing;

namespace VaeCluster.Commands;

/// <summary>What is in a data set, for people or as JSON, and a picture of it.</summary>
internal static class DataDescribeCommand
{
    private const int Named = 20;

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DictionaryKeyPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    private static readonly Option<int?> Size = new("--size") { Description = "Pixels per side for mean, deviation and sheet.", HelpName = "pixels" };

    private static readonly Option<int?> Channels = new("--channels") { Description = "1 for grey, 3 for colour.", HelpName = "n" };

    private static readonly Option<long?> Limit = new("--limit") { Description = "Look at no more than so many, drawn from all.", HelpName = "n" };

    private static readonly Option<string> Sheet = new("--sheet")
    {
        Description = "Where the contact sheet goes.",
        HelpName = "file",
        DefaultValueFactory = _ => "contact-sheet.png",
    };

    private static readonly Option<bool> AsJson = new("--json") { Description = "Print the description as JSON, its keys in snake_case." };

    public static Command Create()
    {
        Channels.AcceptOnlyFromAmong("1", "3");
        var command = new ExampleCommand("describe", "Look at every image of a data set.",
            ("vaecluster data describe folder:photos", "counts, sizes, broken files, mean, deviation, contact-sheet.png"),
            ("vaecluster data describe tar:shards --limit 5000 --json | jq .mean", "of millions, a part"))
        {
            DataCommand.Source, DataCommand.SplitBy, DataCommand.Share, Size, Channels, Limit, Sheet, AsJson,
        };
        command.SetAction(Describe);
        return command;
    }

    private static void Describe(ParseResult parsed)
    {
        var output = parsed.InvocationConfiguration.Output;
        using var interruption = new Interruption();
        var options = DataCommand.OptionsOf(parsed);
        options.Size = parsed.GetValue(Size);
        if (options.Size is < 4 or > 8192) throw new UserErrorException($"--size {options.Size}: give 4 to 8192 pixels.");
        if (parsed.GetValue(Limit) is < 1 and var limit) throw new UserErrorException($"--limit {limit}: give at least 1.");

        using var data = DataCommand.Watched(output, "listing", _ => DataSet.Open(options, cancellation: interruption.Token));
        var shape = DataDescriber.ShapeOf(data);
        shape = shape with { Channels = parsed.GetValue(Channels) ?? shape.Channels };
        var description = DataCommand.Watched(output, "looking", say => DataDescriber.Describe(data, shape, parsed.GetValue(Limit),
            new DataCommand.Report<long>(done => say($"{done:N0} of {data.Manifest.Count():N0} images")), interruption.Token));
        ContactSheet.Write(data, shape, parsed.GetRequiredValue(Sheet), cancellation: interruption.Token);
        if (parsed.GetValue(AsJson)) output.WriteLine(JsonSerializer.Serialize(description, Json));
        else Show(description, data, parsed.GetRequiredValue(Sheet), output);
    }

    private static void Show(DataDescription description, DataSet data, string sheet, TextWriter output)
    {
        Row("source", description.Source);
        Row("train", $"{description.Train:N0}");
        Row("validation", $"{description.Validation:N0}");
        if (description.Test > 0) Row("test", $"{description.Test:N0}");
        Row("manifest", $"{description.ManifestId}, {description.ManifestBytes:N0} bytes");
        if (description.Measured < data.Manifest.Count()) Row("looked at", $"{description.Measured:N0}");
        Row("bytes", $"{description.Bytes:N0}");
        Row("formats", string.Join(", ", description.Formats.OrderBy(pair => pair.Key)
            .Select(pair => pair.Key == Data.Images.ImageFormat.Unknown ? $"{pair.Value:N0} raw" : $"{pair.Value:N0} {pair.Key}")));
        Row("width", $"{description.Width}");
        Row("height", $"{description.Height}");
        Row($"at {description.Shape.Size} px", $"mean {Numbers(description.Mean)}, deviation {Numbers(description.Deviation)} (black 0, white 1)");
        Row("contact sheet", sheet);
        Names("broken", description.Broken.Count, description.Broken.Select(image => (image.Name, image.Reason)));
        Names("unreadable", description.Unreadable.Count, description.Unreadable.Select(image => (image.Name, image.Reason)));
        Names("left out", data.Listing!.ProblemCount, data.Listing.Problems);
        if (data.Listing.OtherFiles > 0) Row("other files", $"{data.Listing.OtherFiles:N0}");

        void Row(string name, string value) => output.WriteLine($"{name,-15}{value}");

        void Names(string what, long count, IEnumerable<(string Name, string Reason)> names)
        {
            if (count == 0) return;
            Row(what, $"{count:N0}");
            foreach (var (name, reason) in names.Take(Named)) output.WriteLine($"  {name}: {reason}");
            if (count > Named) output.WriteLine($"  and {count - Named:N0} more (--json names all that are broken or unreadable)");
        }
    }

    private static string Numbers(IReadOnlyList<double> values) =>
        string.Join(" ", values.Select(value => value.ToString("F4", CultureInfo.InvariantCulture)));
}
