using System.CommandLine;
using VaeCluster.Checkpoints;

namespace VaeCluster.Commands;

/// <summary>Copies images from an object storage to a local disk.</summary>
internal static class DataFetchCommand
{
    private static readonly Argument<string> Place = new("place")
    {
        Description = "s3://bucket/prefix. Keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or whatever else the AWS SDK looks at.",
    };

    private static readonly Argument<string> Folder = new("dir") { Description = "Where the files go. What is there with the right size is kept." };

    private static readonly Option<string?> Endpoint = new("--endpoint") { Description = "Address of a server that is not Amazon's, such as http://minio:9000.", HelpName = "url" };

    private static readonly Option<string?> Region = new("--region") { Description = "The region, where the environment does not give it.", HelpName = "name" };

    private static readonly Option<bool> PathStyle = new("--path-style") { Description = "The bucket in the path, not in the host name." };

    public static Command Create()
    {
        var command = new ExampleCommand("fetch", "Copy images from an object storage into a folder. Run again, it goes on where it was left.",
            ("vaecluster data fetch s3://images/shards /images", "then train on tar:/images"),
            ("vaecluster data fetch s3://images/faces /images --endpoint http://minio:9000 --path-style", "from a server that is not Amazon's"))
        {
            Place, Folder, Endpoint, Region, PathStyle,
        };
        command.SetAction(Fetch);
        return command;
    }

    private static void Fetch(ParseResult parsed)
    {
        var output = parsed.InvocationConfiguration.Output;
        using var interruption = new Interruption();
        var text = parsed.GetRequiredValue(Place);
        if (!S3Location.TryParse(text, out var place)) throw new UserErrorException($"{text}: is no place in an object storage. Write s3://bucket/prefix.");
        var options = new S3Options { Endpoint = parsed.GetValue(Endpoint), Region = parsed.GetValue(Region), PathStyle = parsed.GetValue(PathStyle) };
        var folder = parsed.GetRequiredValue(Folder);
        FetchReport report;
        try
        {
            report = DataCommand.Watched(output, "fetching", say => S3Fetch.RunAsync(place, options, folder,
                new DataCommand.Report<FetchReport>(so => say($"{so.Fetched + so.Kept:N0} files, {so.Bytes:N0} bytes")), interruption.Token).GetAwaiter().GetResult());
        }
        catch (Exception exception) when (StorageFailure.Is(exception) && exception is not OperationCanceledException)
        {
            throw new UserErrorException($"{place}: the images can't be fetched: {exception.Message}", exception);
        }
        var kept = report.Kept > 0 ? $", {report.Kept:N0} of them from before" : "";
        output.WriteLine($"{report.Fetched + report.Kept:N0} files{kept}, {report.Bytes:N0} bytes, in {folder}");
    }
}
