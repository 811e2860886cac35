using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using System.Text;
using VaeCluster.Checkpoints.Tests.Storage;

namespace VaeCluster.Checkpoints.Tests.Format;

public sealed class CheckpointFormatTests
{
    [Theory]
    [InlineData(60, 1, "step-000000000060")]
    [InlineData(60, 2, "step-000000000060-2")]
    public void Name_RoundTrips(long step, int copy, string name)
    {
        Assert.Equal(name, CheckpointName.Of(step, copy));
        Assert.Equal((step, copy), CheckpointName.Parse(name));
    }

    [Theory]
    [InlineData("step-60")]
    [InlineData("step-000000000060-1")]
    [InlineData("step-000000000060.tmp.1-1.w0")]
    [InlineData("step-000000000060.deleted")]
    [InlineData("latest")]
    [InlineData("step--00000000060")]
    public void Name_OfSomethingElse_IsNone(string name) => Assert.Null(CheckpointName.Parse(name));

    [Theory]
    [InlineData("s3://bucket", "bucket", "")]
    [InlineData("s3://bucket/a/b/", "bucket", "a/b/")]
    public void S3Location_IsBucketAndPrefix(string text, string bucket, string prefix)
    {
        Assert.True(S3Location.TryParse(text, out var location));
        Assert.Equal(new S3Location(bucket, prefix), location);
    }

    [Theory]
    [InlineData("s3:///a")]
    [InlineData("gs://bucket/a")]
    public void Options_UnknownPlace_IsAMistake(string storage)
    {
        var options = new CheckpointOptions { Storage = storage };

        var mistake = Assert.Single(options.Validate(new ValidationContext(options)));

        Assert.Equal("must be a folder or s3://bucket/prefix", mistake.ErrorMessage);
    }

    [Fact]
    public void Options_EndpointWithoutScheme_IsAMistake()
    {
        var options = new S3Options { Endpoint = "minio:9000" };

        Assert.Single(options.Validate(new ValidationContext(options)));
    }

    [Fact]
    public void Open_FollowsTheOptions()
    {
        using var inRun = CheckpointStorage.Open(new CheckpointOptions(), "/runs/a");
        using var elsewhere = CheckpointStorage.Open(new CheckpointOptions { Storage = "/share/a" }, "/runs/a");
        using var remote = CheckpointStorage.Open(
            new CheckpointOptions { Storage = "s3://bucket/a", S3 = new S3Options { Endpoint = "http://127.0.0.1:1" } }, "/runs/a");

        Assert.Equal(["/runs/a/checkpoints", "/share/a", "s3://bucket/a/"], new[] { inRun, elsewhere, remote }.Select(storage => storage.Location));
    }

    [Fact]
    public async Task Json_IsReadableByOthers()
    {
        await using var place = new FolderPlace();
        using var storage = place.Open();
        var outcomes = new Outcomes();
        await using var writer = new CheckpointWriter(storage, new CheckpointOptions(), outcomes.Add);
        writer.TrySave(Sample.Snapshot(23, loss: double.NaN));
        var saved = await outcomes.NextAsync<CheckpointSaved>();

        var json = System.Text.Json.Nodes.JsonNode.Parse(await place.GetAsync($"{saved.Name}/{CheckpointRecord.FileName}"))!;

        Assert.Equal(23, (long)json["metadata"]!["step"]!);
        Assert.Equal(3 * 128, (long)json["metadata"]!["epoch_offset"]!);
        Assert.Equal("w0", (string)json["metadata"]!["writer"]!["worker_id"]!);
        Assert.Null(json["metadata"]!["validation_loss"]);
        foreach (var file in json["files"]!.AsArray())
        {
            var bytes = await place.GetAsync($"{saved.Name}/{file!["path"]}");
            Assert.Equal(bytes.Length, (long)file["bytes"]!);
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), (string)file["sha256"]!);
        }
        Assert.Equal(ExpectedWeights(), (string)json["metadata"]!["weights_sha256"]!);
    }

    // The definition, written out.
    private static string ExpectedWeights()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes("decoder.weight float32 [2,3]\n"));
        hash.AppendData(Sample.Values(6, 23, 1));
        hash.AppendData(Encoding.UTF8.GetBytes("encoder.weight float32 [500]\n"));
        hash.AppendData(Sample.Values(500, 23, 0));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
