using System.Text.Json;

namespace VaeCluster.Checkpoints;

/// <summary>The file `latest`: the newest checkpoint, and who named it. Its generation fences writers of lower ones.</summary>
public sealed record LatestPointer(string Checkpoint, CheckpointOwner Writer)
{
    public const string FileName = "latest";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    internal byte[] ToBytes() => [.. JsonSerializer.SerializeToUtf8Bytes(this, Json), (byte)'\n'];

    /// <summary>Null where the text is damaged.</summary>
    internal static LatestPointer? TryParse(byte[] bytes)
    {
        try
        {
            var pointer = JsonSerializer.Deserialize<LatestPointer>(bytes, Json);
            return pointer is not null && CheckpointName.Parse(pointer.Checkpoint) is not null ? pointer : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
