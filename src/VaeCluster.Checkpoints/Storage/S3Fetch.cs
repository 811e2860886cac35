namespace VaeCluster.Checkpoints;

/// <summary>What a fetch has done.</summary>
/// <param name="Fetched">Objects that were copied.</param>
/// <param name="Kept">Objects whose file was there, with their size.</param>
/// <param name="Bytes">Of both.</param>
public sealed record FetchReport(int Fetched, int Kept, long Bytes);

/// <summary>Copies what is below a place in an object storage into a folder, as it is there: images, for a worker that has no shared disk.</summary>
public static class S3Fetch
{
    private const int AtOnce = 8;

    /// <summary>A file appears whole: temporary name, then rename. Run again, it goes on where it was left.</summary>
    /// <exception cref="UserErrorException">There is nothing at the place, or a key that can't be a path in the folder.</exception>
    public static async Task<FetchReport> RunAsync(S3Location place, S3Options options, string folder, IProgress<FetchReport>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(place);
        using var client = S3Client.Connect(S3Client.Config(options), place);
        // Consoles make empty objects for folders. All paths are known before the first file is written.
        var objects = (await S3Client.ListAsync(client, place.Bucket, place.Prefix, cancellation)).Where(found => !found.Key.EndsWith('/'))
            .Select(found => (found.Key, Size: found.Size ?? 0, Path: PathOf(place, found.Key, folder))).ToList();
        if (objects.Count == 0) throw new UserErrorException($"{place}: there is nothing at this place.");

        var report = new FetchReport(0, 0, 0);
        var gate = new Lock();
        await Parallel.ForEachAsync(objects, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation }, async (found, stop) =>
        {
            var path = found.Path;
            var kept = new FileInfo(path) is { Exists: true } file && file.Length == found.Size;
            if (!kept)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                var temporary = path + ".part";
                using (var response = await client.GetObjectAsync(place.Bucket, found.Key, stop))
                await using (var target = File.Create(temporary)) await response.ResponseStream.CopyToAsync(target, stop);
                if (new FileInfo(temporary).Length != found.Size) throw new IOException($"{place}: {found.Key} has {found.Size} bytes, and other ones came.");
                File.Move(temporary, path, overwrite: true);
            }
            lock (gate)
            {
                report = new FetchReport(report.Fetched + (kept ? 0 : 1), report.Kept + (kept ? 1 : 0), report.Bytes + found.Size);
                progress?.Report(report);
            }
        });
        return report;
    }

    private static string PathOf(S3Location place, string key, string folder)
    {
        var parts = key[place.Prefix.Length..].Split('/');
        if (parts.Any(part => part is "" or "." or "..")) throw new UserErrorException($"{place}: the key {key} can't be a path in a folder.");
        return Path.Combine([folder, .. parts]);
    }
}
