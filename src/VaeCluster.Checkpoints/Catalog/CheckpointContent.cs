using System.Buffers;
using System.Security.Cryptography;

namespace VaeCluster.Checkpoints;

/// <summary>The files of a checkpoint, brought here and compared with what checkpoint.json says about them.</summary>
internal sealed class CheckpointContent(ICheckpointStorage storage, CheckpointEntry entry)
{
    private const int Piece = 1 << 20;

    /// <exception cref="InvalidDataException">A file is not what was written; the message names it.</exception>
    public async Task<LoadedCheckpoint> OpenAsync(CancellationToken cancellation)
    {
        var files = new Dictionary<string, SafetensorsFile>();
        string? scratch = null;
        try
        {
            foreach (var required in (string[])[CheckpointFile.Weights, CheckpointFile.Optimizer])
            {
                if (entry.Record!.Find(required) is null) throw new InvalidDataException($"{entry.Name}/{required} is not part of it");
            }
            foreach (var file in entry.Record!.Files)
            {
                var local = storage.LocalPath($"{entry.Name}/{file.Path}");
                if (local is null) scratch ??= Directory.CreateTempSubdirectory("vaecluster-checkpoint-").FullName;
                var problem = await ProblemAsync(storage, entry.Name, file, local is null ? Path.Combine(scratch!, file.Name) : null, cancellation);
                if (problem is not null) throw new InvalidDataException(problem);
                files.Add(file.Name, SafetensorsFile.Open(local ?? Path.Combine(scratch!, file.Name)));
            }
            return new LoadedCheckpoint(entry, files, scratch);
        }
        catch (Exception e)
        {
            foreach (var file in files.Values) file.Dispose();
            if (scratch is not null) Directory.Delete(scratch, recursive: true);
            if (e is SafetensorsException) throw new InvalidDataException($"{entry.Name}: {e.Message}", e);
            throw;
        }
    }

    /// <summary>Reads a file to its end, and keeps it where a copy is wanted.</summary>
    /// <returns>What is wrong with it, or null.</returns>
    public static async Task<string?> ProblemAsync(
        ICheckpointStorage storage, string name, CheckpointFile file, string? copyTo, CancellationToken cancellation)
    {
        var path = $"{name}/{file.Path}";
        await using var stream = await storage.OpenAsync(path, cancellation);
        if (stream is null) return $"{path} is missing";
        await using var copy = copyTo is null ? null : File.Create(copyTo);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(Piece);
        try
        {
            long length = 0;
            int count;
            while ((count = await stream.ReadAsync(buffer.AsMemory(0, Piece), cancellation)) > 0)
            {
                hash.AppendData(buffer, 0, count);
                if (copy is not null) await copy.WriteAsync(buffer.AsMemory(0, count), cancellation);
                length += count;
                if (length > file.Bytes) break;
            }
            if (length != file.Bytes) return $"{path} has {(length > file.Bytes ? "more than" : $"{length} bytes, not")} {file.Bytes}";
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        var found = Convert.ToHexStringLower(hash.GetHashAndReset());
        return found == file.Sha256 ? null : $"{path} does not match its SHA-256";
    }
}
