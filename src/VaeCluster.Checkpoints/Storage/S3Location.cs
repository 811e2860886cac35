namespace VaeCluster.Checkpoints;

/// <summary>A place in an object storage: s3://bucket/prefix.</summary>
/// <param name="Bucket">Its name.</param>
/// <param name="Prefix">Empty, or ends with a slash.</param>
public sealed record S3Location(string Bucket, string Prefix)
{
    private const string Scheme = "s3://";

    public static bool TryParse(string text, out S3Location location)
    {
        location = new S3Location("", "");
        if (!text.StartsWith(Scheme, StringComparison.Ordinal)) return false;
        var parts = text[Scheme.Length..].Split('/', 2);
        if (parts[0].Length == 0) return false;
        var prefix = parts.Length == 1 ? "" : parts[1].Trim('/');
        location = new S3Location(parts[0], prefix.Length == 0 ? "" : prefix + "/");
        return true;
    }

    public override string ToString() => $"{Scheme}{Bucket}/{Prefix}";
}
