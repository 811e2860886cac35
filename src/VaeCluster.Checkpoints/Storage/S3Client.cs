using Amazon;
using Amazon.Runtime;
using Amazon.S3;

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

    public static AmazonS3Client Connect(AmazonS3Config config, S3Location place)
    {
        try
        {
            return new AmazonS3Client(config);
        }
        catch (AmazonClientException e)
        {
            throw new UserErrorException($"{place}: the object storage can't be used: {e.Message} Set checkpoints.s3.region, or checkpoints.s3.endpoint for a server that is not Amazon's.", e);
        }
    }
}
