using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace VaeCluster.Checkpoints;

/// <summary>
/// checkpoint.json: the metadata and the files with their hashes. Its own last member is the SHA-256 of the whole text with
/// zeros in that member's place, so that a flipped bit in a number is found as surely as one in the weights.
/// </summary>
public sealed record CheckpointRecord(int Format, DateTimeOffset SavedAt, CheckpointMetadata Metadata, IReadOnlyList<CheckpointFile> Files)
{
    public const string FileName = "checkpoint.json";

    /// <summary>Longer ones are not read.</summary>
    internal const int LongestText = 16 << 20;

    private const int CurrentFormat = 1;
    private const int HashDigits = 64;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    // The text ends with this, whatever stands before it.
    private static readonly byte[] Ending = Encoding.ASCII.GetBytes($",\n  \"checksum\": \"{new string('0', HashDigits)}\"\n}}\n");
    private static readonly int DigitsFromEnd = HashDigits + "\"\n}\n".Length;

    internal CheckpointRecord(DateTimeOffset savedAt, CheckpointMetadata metadata, IReadOnlyList<CheckpointFile> files)
        : this(CurrentFormat, savedAt, metadata, files) { }

    public CheckpointFile? Find(string name) => Files.FirstOrDefault(file => file.Name == name);

    /// <summary>Bytes of all files.</summary>
    public long TotalBytes() => Files.Sum(file => file.Bytes);

    internal byte[] ToBytes()
    {
        var finite = Metadata.ValidationLoss is { } loss && double.IsFinite(loss);
        var plain = finite ? this : this with { Metadata = Metadata with { ValidationLoss = null } };
        var text = JsonSerializer.SerializeToUtf8Bytes(plain, Json);
        byte[] bytes = [.. text.AsSpan(0, text.Length - "\n}".Length), .. Ending];
        Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(bytes)), Digits(bytes));
        return bytes;
    }

    /// <exception cref="InvalidDataException">Not what was written.</exception>
    internal static CheckpointRecord FromBytes(byte[] bytes)
    {
        if (bytes.Length < Ending.Length) throw new InvalidDataException("is cut off");
        var digits = Encoding.ASCII.GetString(Digits(bytes));
        byte[] blank = [.. bytes];
        Digits(blank).Fill((byte)'0');
        if (!blank.AsSpan().EndsWith(Ending)) throw new InvalidDataException("does not end with its checksum; is it cut off?");
        if (Convert.ToHexStringLower(SHA256.HashData(blank)) != digits) throw new InvalidDataException("does not match its checksum");
        try
        {
            var record = JsonSerializer.Deserialize<CheckpointRecord>(bytes, Json) ?? throw new InvalidDataException("is empty");
            if (record.Format != CurrentFormat)
                throw new InvalidDataException($"is of format {record.Format}; this program reads format {CurrentFormat}");
            foreach (var file in record.Files)
            {
                // A foreign file must not lead out of the checkpoint's folder.
                if (Path.IsPathRooted(file.Path) || file.Path.Split('/').Contains(".."))
                    throw new InvalidDataException($"names a file outside its folder: {file.Path}");
            }
            return record;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"is not understood: {e.Message}", e);
        }
    }

    private static Span<byte> Digits(byte[] bytes) => bytes.AsSpan(bytes.Length - DigitsFromEnd, HashDigits);
}
