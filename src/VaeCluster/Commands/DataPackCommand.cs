using System.CommandLine;
using VaeCluster.Data;
using VaeCluster.Data.Packing;

namespace VaeCluster.Commands;

/// <summary>Copies a data set into WebDataset shards.</summary>
internal static class DataPackCommand
{
    private static readonly Argument<string> Folder = new("dir") { Description = "Where the shards go: new, empty, or with shards of the same data." };

    private static readonly Option<int> ShardMegabytes = new("--shard-megabytes")
    {
        Description = "A shard ends with the image that reaches this size.",
        HelpName = "n",
        DefaultValueFactory = _ => 256,
    };

    public static Command Create()
    {
        var command = new ExampleCommand("pack", "Copy a data set into WebDataset shards, each checked by reading it back. Run again, it goes on where it was left.",
            ("vaecluster data pack folder:photos shards", "then train on tar:shards"),
            ("vaecluster data pack idx:mnist shards --shard-megabytes 64", "MNIST's images as PNG files in shards"))
        {
            DataCommand.Source, Folder, DataCommand.SplitBy, DataCommand.Share, ShardMegabytes,
        };
        command.SetAction(Pack);
        return command;
    }

    private static void Pack(ParseResult parsed)
    {
        var output = parsed.InvocationConfiguration.Output;
        using var interruption = new Interruption();
        var megabytes = parsed.GetValue(ShardMegabytes);
        if (megabytes is < 1 or > 65536) throw new UserErrorException($"--shard-megabytes {megabytes}: give 1 to 65536.");
        var options = DataCommand.OptionsOf(parsed);
        using var data = DataCommand.Watched(output, "listing", _ => DataSet.Open(options, cancellation: interruption.Token));
        var folder = parsed.GetRequiredValue(Folder);
        var packer = new DataPacker(data, folder, (long)megabytes << 20);
        var report = DataCommand.Watched(output, "packing", say => packer.Pack(
            new DataCommand.Report<PackReport>(so => say($"{so.Samples:N0} of {data.Manifest.Count():N0} images in {so.Shards:N0} shards")), interruption.Token));
        var kept = report.Kept > 0 ? $", {report.Kept:N0} of them from before" : "";
        output.WriteLine($"{report.Samples:N0} images in {report.Shards:N0} shards{kept}, {report.Bytes:N0} bytes. Train on them with data.source: tar:{folder}");
    }
}
