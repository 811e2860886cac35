using Amazon.S3;
using Amazon.S3.Model;

namespace VaeCluster.Checkpoints.Tests.Storage;

public sealed class S3FetchTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RunAsync_WhatIsBelowAPlace_IsInTheFolder_AndNotFetchedAgain()
    {
        var server = await S3Servers.GetAsync("honoured");
        var prefix = $"fetch-{Guid.NewGuid():N}";
        await PutAsync(server, $"{prefix}/a.tar", "first");
        await PutAsync(server, $"{prefix}/more/b.tar", "second");
        await PutAsync(server, $"{prefix}-else/c.tar", "of another place");
        var folder = Directory.CreateTempSubdirectory("vaecluster-fetch-").FullName;
        try
        {
            Assert.True(S3Location.TryParse($"s3://{S3Server.Bucket}/{prefix}", out var place));
            Assert.Equal(new FetchReport(2, 0, 11), await S3Fetch.RunAsync(place, server.Options, folder, cancellation: Stop));
            Assert.Equal(["a.tar", "more/b.tar"], Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(folder, path)).Order());
            Assert.Equal("second", File.ReadAllText(Path.Combine(folder, "more/b.tar")));

            // One that was left in the middle comes again; what has its size stays.
            File.WriteAllText(Path.Combine(folder, "a.tar"), "fir");
            File.WriteAllText(Path.Combine(folder, "more/b.tar"), "SECOND");
            Assert.Equal(new FetchReport(1, 1, 11), await S3Fetch.RunAsync(place, server.Options, folder, cancellation: Stop));
            Assert.Equal("first", File.ReadAllText(Path.Combine(folder, "a.tar")));
            Assert.Equal("SECOND", File.ReadAllText(Path.Combine(folder, "more/b.tar")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task RunAsync_PlaceWithNothing_IsNamed()
    {
        var server = await S3Servers.GetAsync("honoured");
        Assert.True(S3Location.TryParse($"s3://{S3Server.Bucket}/nothing-{Guid.NewGuid():N}", out var place));
        var error = await Assert.ThrowsAsync<UserErrorException>(() => S3Fetch.RunAsync(place, server.Options, Path.GetTempPath(), cancellation: Stop));
        Assert.Contains($"{place}: there is nothing", error.Message, StringComparison.Ordinal);
    }

    private static async Task PutAsync(S3Server server, string key, string text)
    {
        using var client = new AmazonS3Client(new AmazonS3Config { ServiceURL = server.Options.Endpoint, ForcePathStyle = true, AuthenticationRegion = "us-east-1" });
        await client.PutObjectAsync(new PutObjectRequest { BucketName = S3Server.Bucket, Key = key, ContentBody = text, UseChunkEncoding = false }, Stop);
    }
}
