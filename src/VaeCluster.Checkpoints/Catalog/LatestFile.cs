namespace VaeCluster.Checkpoints;

/// <summary>Moves `latest`, and turns away whoever may not.</summary>
internal static class LatestFile
{
    private const int LongestText = 64 << 10;
    private const int MostTries = 20;

    public static async Task<(StoredText? Text, LatestPointer? Pointer)> ReadAsync(ICheckpointStorage storage, CancellationToken cancellation)
    {
        StoredText? text;
        try
        {
            text = await storage.ReadAsync(LatestPointer.FileName, LongestText, cancellation);
        }
        catch (InvalidDataException)
        {
            return (new StoredText([], ""), null);
        }
        return (text, text is null ? null : LatestPointer.TryParse(text.Bytes));
    }

    /// <summary>Why this owner may not write: a higher generation does, or another worker under the same one; null if it may.</summary>
    public static string? RefusalOf(CheckpointOwner owner, CheckpointOwner? present)
    {
        if (present is null) return null;
        var order = present.CompareGeneration(owner);
        return order > 0 || (order == 0 && present.WorkerId != owner.WorkerId)
            ? $"{owner} may not write: {present} has written since" : null;
    }

    /// <returns>Null where it names the checkpoint now; else why the owner was refused.</returns>
    /// <exception cref="IOException">Others kept moving it.</exception>
    public static async Task<string?> MoveAsync(ICheckpointStorage storage, string checkpoint, CheckpointOwner owner, CancellationToken cancellation)
    {
        var wanted = new LatestPointer(checkpoint, owner);
        for (var tries = 0; tries < MostTries; tries++)
        {
            var (text, pointer) = await ReadAsync(storage, cancellation);
            if (pointer == wanted) return null;
            if (RefusalOf(owner, pointer?.Writer) is { } refusal) return refusal;
            if (await storage.TryReplaceLatestAsync(text, wanted.ToBytes(), cancellation)) return null;
        }
        throw new IOException($"{LatestPointer.FileName} was moved by others {MostTries} times while it was to be moved");
    }
}
