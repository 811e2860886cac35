using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace VaeCluster.Checkpoints;

/// <summary>The AWS SDK's client, set up for servers of any make.</summary>
internal static class S3Client
{
    public static AmazonS3Config Config(S3Options options)
    {
        var config = new AmazonS3Config
        {
            ForcePathStyle = options.PathStyle,
            // The SDK's own retries with backoff cover a hiccup; what lasts longer is the writer's to retry.
            RetryMode = RequestRetryMode.Standard,
            MaxErrorRetry = 3,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            Timeout = TimeSpan.FromMinutes(2),
            // Trailing checksums are not understood by many servers; the content has a SHA-256 of ours.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (options.Endpoint is not null)
        {
            config.ServiceURL = options.Endpoint;
            config.AuthenticationRegion = options.Region ?? "us-east-1";
        }
        else if (options.Region is not null)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(options.Region);
        }
        return config;
    }

    /// <summary>Every object below a prefix.</summary>
    public static async Task<List<S3Object>> ListAsync(AmazonS3Client client, string bucket, string prefix, CancellationToken cancellation)
    {
        var found = new List<S3Object>();
        var request = new ListObjectsV2Request { BucketName = bucket, Prefix = prefix };
        ListObjectsV2Response page;
        do
        {
            page = await client.ListObjectsV2Async(request, cancellation);
            found.AddRange(page.S3Objects ?? []);
            request.ContinuationToken = page.NextContinuationToken;
        }
        while (page.IsTruncated == true);
        return found;
    }

    public static AmazonS3Client Connect(AmazonS3Config config, S3Location place)
    {
        try
        {
            return new AmazonS3Client(config);
        }
        catch (AmazonClientException e)
        {
            throw new UserErrorException($"{place}: the object storage can't be used: {e.Message} Name its region, or the endpoint of a server that is not Amazon's.", e);
        }
    }
}
