using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using VaeCluster.Checkpoints;
using VaeCluster.Config.Runs;
using VaeCluster.Data;
using VaeCluster.Data.Inputs;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Latents;

/// <summary>
/// The latents of many images, in parts that are computed one by one, by any number of processes that see the folder FILE.parts,
/// and in the end joined to FILE. A part is there as a whole or not at all: whoever is killed loses the one it was at, and the same
/// command goes on with what is missing. What is in a part is a function of the model, the images and the batch.
/// </summary>
public sealed class EncodeJob
{
    private const int BatchesInPart = 4;
    private const string JobName = "job.json", RowsKey = "vaecluster.rows";

    private readonly AppliedModel model;
    private readonly ImageInputs images;
    private readonly string file;
    private readonly int batch;
    private readonly string weights;

    /// <param name="place">How the model was named, for whoever decodes.</param>
    /// <param name="file">That is written in the end; its index stands beside it.</param>
    /// <param name="batch">Images that go through the model at once.</param>
    public EncodeJob(AppliedModel model, string place, ImageInputs images, string file, int batch)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        if (Path.GetExtension(file) != ".safetensors") throw new UserErrorException($"--out {file}: must end with .safetensors.");
        OutputFolder.ThrowIfThere(file);
        (this.model, this.images, this.file, this.batch) = (model, images, Path.GetFullPath(file), batch);
        // One that was written before this could end beside parts that are there still.
        if (!Directory.Exists(PartsFolder)) OutputFolder.ThrowIfThere(LatentIndex.PathOf(file));
        weights = WeightsHash.Of(model.Model);
        Metadata = LatentFile.MetadataOf(place, weights, batch, (int)model.InputShape.Height);
    }

    /// <summary>Parts that there will be.</summary>
    private int Parts => (int)((images.Count + PartImages - 1) / PartImages);

    public string PartsFolder => file + ".parts";

    /// <summary>Images whose part is there.</summary>
    public long Done => images.Count - Missing().Sum(part => Math.Min(PartImages, images.Count - part * PartImages));

    private long PartImages => (long)batch * BatchesInPart;

    private Dictionary<string, string> Metadata { get; }

    /// <summary>Takes the folder of the parts, or the one that an encoding of the same left.</summary>
    /// <exception cref="UserErrorException">The folder holds parts of something else.</exception>
    public void Begin()
    {
        var description = JsonSerializer.Serialize(new
        {
            Weights = weights,
            Images = images.Count,
            ImagesSha256 = HashOfNames(),
            ImageSize = model.InputShape.Height,
            Batch = batch,
        }, RunSummary.Format);
        var path = Path.Combine(PartsFolder, JobName);
        if (!File.Exists(path))
        {
            try
            {
                Directory.CreateDirectory(PartsFolder);
                Whole.WriteFile(path, temporary => File.WriteAllText(temporary, description));
            }
            catch (Exception e) when (e is UnauthorizedAccessException || (e is IOException && !DiskFull.Is(e)))
            {
                throw new UserErrorException($"--out {file}: can't be written: {e.Message}", e);
            }
        }
        if (File.ReadAllText(path) != description)
            throw new UserErrorException($"{PartsFolder}: holds a begun encoding of another model, other images or another batch. Remove it, or name another --out.");
    }

    // One listing: a folder on the network answers no faster for a single name.
    private IReadOnlyList<int> Missing()
    {
        var there = Directory.Exists(PartsFolder) ? Directory.EnumerateFiles(PartsFolder).ToHashSet(StringComparer.Ordinal) : [];
        return [.. Enumerable.Range(0, Parts).Where(part => !there.Contains(PathOf(part)))];
    }

    /// <summary>The parts of a share, or all of them, that are not there yet.</summary>
    public void ComputeMissing(EncodeShare? share, IProgress<long> progress, CancellationToken cancellation)
    {
        progress.Report(Done);
        foreach (var part in Missing().Where(part => share?.Has(part) ?? true))
        {
            Compute(part, cancellation);
            progress.Report(Done);
        }
    }

    private void Compute(int part, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var first = part * PartImages;
        var (means, logVariances, lines) = (new List<Tensor>(), new List<Tensor>(), new List<string>());
        foreach (var read in images.Batches(batch, first, Math.Min(first + PartImages, images.Count), cancellation))
        {
            using var inner = NewDisposeScope();
            cancellation.ThrowIfCancellationRequested();
            var (mean, logVariance) = model.Encode(model.ToTensor(read));
            means.Add(mean.cpu().contiguous().MoveToOuterDisposeScope());
            if (logVariance is not null) logVariances.Add(logVariance.cpu().contiguous().MoveToOuterDisposeScope());
            // The row's number is known when all parts are there: broken images have none.
            lines.AddRange(read.Images.Select(image => LatentIndex.Line(0, image)));
        }
        List<(string Name, List<Tensor> Parts)> tensors = [(LatentFile.Mean, means)];
        if (model.Model.Variational) tensors.Add((LatentFile.LogVariance, logVariances));
        Whole.WriteFile(PathOf(part), temporary => SafetensorsOf(temporary, lines.Count, tensors.Select(tensor => tensor.Name),
            new() { [RowsKey] = JsonSerializer.Serialize(lines) },
            name => tensors.Find(tensor => tensor.Name == name).Parts.Select(tensor => (ReadOnlyMemory<byte>)tensor.bytes.ToArray())));
    }

    /// <summary>All parts, which must be there, to the one file and its index; the folder of the parts is removed.</summary>
    /// <returns>Rows.</returns>
    public long Join(CancellationToken cancellation)
    {
        var rows = new List<string>();
        for (var part = 0; part < Parts; part++)
        {
            using var open = SafetensorsFile.Open(PathOf(part));
            rows.AddRange(JsonSerializer.Deserialize<List<string>>(open.Metadata[RowsKey])!);
        }
        string[] names = model.Model.Variational ? [LatentFile.Mean, LatentFile.LogVariance] : [LatentFile.Mean];
        Whole.WriteFile(LatentIndex.PathOf(file), temporary => LatentIndex.Write(temporary,
            rows.Select((line, row) => row.ToString(CultureInfo.InvariantCulture) + line[line.IndexOf(',', StringComparison.Ordinal)..])));
        Whole.WriteFile(file, temporary => SafetensorsOf(temporary, rows.Count, names, Metadata, PartsOf));
        Directory.Delete(PartsFolder, recursive: true);
        return rows.Count;

        IEnumerable<ReadOnlyMemory<byte>> PartsOf(string name)
        {
            for (var part = 0; part < Parts; part++)
            {
                cancellation.ThrowIfCancellationRequested();
                using var open = SafetensorsFile.Open(PathOf(part));
                yield return open.Bytes(open.Find(name)!).ToArray();
            }
        }
    }

    private void SafetensorsOf(string path, long rows, IEnumerable<string> names, Dictionary<string, string> metadata, Func<string, IEnumerable<ReadOnlyMemory<byte>>> bytesOf)
    {
        var latent = model.LatentShape;
        var declared = names.Select(name => new SafetensorsDeclaration(name, SafetensorsType.F32, latent.Batch(rows))).ToList();
        using var stream = File.Create(path);
        using var writer = new SafetensorsWriter(stream, declared, metadata);
        foreach (var tensor in declared)
        {
            foreach (var bytes in bytesOf(tensor.Name)) writer.Write(tensor.Name, bytes.Span);
        }
        writer.Complete();
        stream.Flush(flushToDisk: true);
    }

    private string PathOf(int part) => Path.Combine(PartsFolder, $"part-{part:D6}.safetensors");

    private string HashOfNames()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var i = 0L; i < images.Count; i++) hash.AppendData(Encoding.UTF8.GetBytes(images[i].Name + "\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
