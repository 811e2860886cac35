using System.Collections.Concurrent;
using VaeCluster.Data.Images;
using VaeCluster.Data.Sources;
using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Inputs;

/// <summary>
/// The images that command line arguments name, in their order: files, folders (recursive) and sources (folder:, idx:, celeba:,
/// tar:, shapes:). Read when they are asked for, by several threads, with the memory of a few batches; each is brought to one
/// shape as the options say, without augmentation.
/// </summary>
public sealed class ImageInputs : IDisposable
{
    private const int BatchesAhead = 2;
    private const int Named = 5;

    private readonly List<InputPart> parts;
    private readonly DataOptions data;
    private readonly InputOptions options;
    private readonly ConcurrentBag<InputReader> readers = [];
    private readonly List<string> broken = [];
    private long resized, toGrey, toColour;

    private ImageInputs(List<InputPart> parts, DataOptions data, ImageShape shape, InputOptions options)
    {
        (this.parts, this.data, this.options, Shape) = (parts, data, options, shape);
        Count = Math.Min(parts.Sum(part => part.Count), options.Limit ?? long.MaxValue);
    }

    public ImageShape Shape { get; }

    /// <summary>Images, the broken ones among them.</summary>
    public long Count { get; }

    /// <summary>Those left out so far because they do not decode: name and reason.</summary>
    public IReadOnlyList<string> Broken => broken;

    /// <summary>What was done to images of another size or other channels, as a sentence; null where all had the shape. So far.</summary>
    public string? Conversion
    {
        get
        {
            List<string> done = [];
            if (resized > 0) done.Add($"{resized:N0} resized ({Way()})");
            if (toGrey > 0) done.Add($"{toGrey:N0} from colour to grey");
            if (toColour > 0) done.Add($"{toColour:N0} from grey to colour");
            return done.Count == 0 ? null : $"Of {Count:N0} images, to the model's {Shape.Channels}x{Shape.Size}x{Shape.Size}: {string.Join(", ", done)}.";
        }
    }

    /// <param name="arguments">At least one.</param>
    /// <param name="data">How images are resized and cropped, and sources split; its own source does not count.</param>
    /// <param name="shape">What comes out.</param>
    /// <param name="options">Which of the images.</param>
    /// <exception cref="UserErrorException">Every argument that is missing, is no image, or holds none.</exception>
    public static ImageInputs Open(IReadOnlyList<string> arguments, DataOptions data, ImageShape shape, InputOptions options)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Limit is < 1) throw new UserErrorException($"--limit {options.Limit}: must be at least 1.");
        var parts = new List<InputPart>();
        var mistakes = new List<string>();
        try
        {
            foreach (var argument in arguments)
            {
                try
                {
                    parts.Add(OpenPart(argument, data, options.Split));
                }
                catch (UserErrorException e)
                {
                    mistakes.Add(e.Message);
                }
            }
            if (arguments.Count == 0) mistakes.Add("Name at least one image, folder or source.");
            if (mistakes.Count > 0) throw new UserErrorException(mistakes);
            return new ImageInputs(parts, data, shape, options);
        }
        catch
        {
            parts.ForEach(part => part.Close());
            throw;
        }
    }

    public ImageOrigin this[long index]
    {
        get
        {
            var (part, inside) = Find(index);
            return part.OriginOf(inside, index);
        }
    }

    /// <summary>All of them in order, of this many each but for the last; where broken ones are left out, of less.</summary>
    /// <exception cref="UserErrorException">An image does not decode; see <see cref="InputOptions.SkipBroken"/>.</exception>
    public IEnumerable<ImageBatch> Batches(int size, CancellationToken cancellation = default) => Batches(size, 0, Count, cancellation);

    /// <summary>The images [first, end) of them, likewise.</summary>
    public IEnumerable<ImageBatch> Batches(int size, long first, long end, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(end, Count);
        if (size < 1) throw new UserErrorException($"--batch {size}: must be at least 1.");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var ready = new BlockingCollection<ImageBatch>(BatchesAhead);
        var reading = Task.Run(() => ReadAhead(size, first, end, ready, stop.Token), CancellationToken.None);
        try
        {
            foreach (var batch in ready.GetConsumingEnumerable(cancellation)) yield return batch;
            reading.GetAwaiter().GetResult();
        }
        finally
        {
            stop.Cancel();
            // What it ended with was thrown above, unless nobody wants the rest.
            ((IAsyncResult)reading).AsyncWaitHandle.WaitOne();
        }
    }

    /// <summary>All at once: for a few.</summary>
    public ImageBatch ReadAll(CancellationToken cancellation = default) => Read(0, checked((int)Count), cancellation);

    public void Dispose()
    {
        foreach (var reader in readers) reader.Dispose();
        parts.ForEach(part => part.Close());
    }

    private static InputPart OpenPart(string argument, DataOptions data, Split? split)
    {
        if (Directory.Exists(argument)) return Source($"folder:{argument}");
        if (File.Exists(argument)) return OfFile(argument);
        if (!SourceSpec.TryParse(argument, out _, out _)) throw new UserErrorException($"{DisplayName.Of(argument)}: there is no such file or folder.");
        return Source(argument);

        InputPart OfFile(string path)
        {
            if (IsImage(path)) return new InputFile(path);
            var name = Path.GetFileName(path);
            if (name.EndsWith(".tar", StringComparison.OrdinalIgnoreCase)) return Source($"tar:{path}");
            if (name.Contains("idx", StringComparison.OrdinalIgnoreCase)) return Source($"idx:{path}");
            throw new UserErrorException($"{DisplayName.Of(path)}: is no image: no JPEG, PNG, WebP, TIFF, GIF or BMP header.");
        }

        InputSource Source(string spec)
        {
            var options = new DataOptions
            {
                Source = spec,
                // Where no split is wanted, nothing is left out for being in none.
                Split = split is null ? new() { By = SplitMode.Share } : data.Split,
                MaxPixels = data.MaxPixels,
                Read = data.Read,
            };
            var set = DataSet.Open(options);
            if (split is { } one && set.Manifest.Count(one) == 0)
            {
                set.Dispose();
                throw new UserErrorException($"{DisplayName.Of(spec)}: has no images in the split {one.ToString().ToLowerInvariant()}.");
            }
            return new InputSource(set, split, byFolder: set.Source.Kind == SourceKind.Folder);
        }
    }

    private static bool IsImage(string path)
    {
        const int headers = 1 << 20;
        try
        {
            using var file = File.OpenRead(path);
            var start = new byte[Math.Min(headers, file.Length)];
            var read = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            if (read == 0) return false;
            if (ImageDecoder.Probe(start.AsSpan(0, read)).Format != ImageFormat.Unknown) return true;
            // A header may lie behind much that only describes the image.
            return file.Length > headers && file.Length < Array.MaxLength && ImageDecoder.Probe(File.ReadAllBytes(path)).Format != ImageFormat.Unknown;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{DisplayName.Of(path)}: can't be read: {e.Message}", e);
        }
    }

    private void ReadAhead(int size, long start, long end, BlockingCollection<ImageBatch> ready, CancellationToken cancellation)
    {
        try
        {
            for (var first = start; first < end; first += size)
            {
                var batch = Read(first, (int)Math.Min(size, end - first), cancellation);
                if (batch.Count > 0) ready.Add(batch, cancellation);
            }
        }
        finally
        {
            ready.CompleteAdding();
        }
    }

    private ImageBatch Read(long first, int count, CancellationToken cancellation)
    {
        var values = Shape.Values;
        var pixels = new float[checked(count * values)];
        var origins = new ImageOrigin[count];
        var reasons = new string?[count];
        var transform = new ImageTransform(data, Shape, augment: false);
        var threads = options.Threads > 0 ? options.Threads : Math.Max(1, Environment.ProcessorCount / 2);
        try
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation }, i =>
            {
                if (!readers.TryTake(out var reader)) reader = new InputReader(transform, data.MaxPixels);
                try
                {
                    var (part, inside) = Find(first + i);
                    origins[i] = part.OriginOf(inside, first + i);
                    reasons[i] = reader.Load(part, inside, pixels.AsSpan(i * values, values), out var change, cancellation);
                    if (change.Resized) Interlocked.Increment(ref resized);
                    if (change.ToGrey) Interlocked.Increment(ref toGrey);
                    if (change.ToColour) Interlocked.Increment(ref toColour);
                }
                finally
                {
                    readers.Add(reader);
                }
            });
        }
        catch (AggregateException e)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
        return Array.TrueForAll(reasons, reason => reason is null) ? new(origins, pixels) : WithoutBroken(origins, pixels, reasons);
    }

    private ImageBatch WithoutBroken(ImageOrigin[] origins, float[] pixels, string?[] reasons)
    {
        var failed = reasons.Index().Where(pair => pair.Item is not null).Select(pair => $"{origins[pair.Index].Name}: {pair.Item}").ToList();
        if (!options.SkipBroken)
        {
            var more = failed.Count > Named ? $"\nand {failed.Count - Named} more" : "";
            throw new UserErrorException($"Not an image that can be read:\n{string.Join('\n', failed.Take(Named))}{more}\nRemove it, or leave such images out with --skip-broken.");
        }
        broken.AddRange(failed);
        var kept = reasons.Index().Where(pair => pair.Item is null).Select(pair => pair.Index).ToList();
        var values = Shape.Values;
        var left = new float[kept.Count * values];
        foreach (var (to, from) in kept.Index()) pixels.AsSpan(from * values, values).CopyTo(left.AsSpan(to * values));
        return new([.. kept.Select(index => origins[index])], left);
    }

    private (InputPart Part, long Inside) Find(long index)
    {
        var inside = index;
        foreach (var part in parts)
        {
            if (inside < part.Count) return (part, inside);
            inside -= part.Count;
        }
        throw new ArgumentOutOfRangeException(nameof(index), index, $"There are {Count} images.");
    }

    private string Way()
    {
        if (data.CropSize is { } side) return $"a square of {side} pixels cut from the centre, then to {Shape.Size}";
        return data.Resize == ResizeMode.Stretch ? $"both sides to {Shape.Size}" : $"shorter side to {Shape.Size}, the centre kept";
    }
}
