namespace Prometheus;

/// <summary>Something that takes observations.</summary>
public interface IObserver : ICollectorChild
{
    void Observe(double val);
}

/// <summary>Counts observations by size.</summary>
public interface IHistogram : IObserver
{
    double Sum { get; }
    long Count { get; }

    /// <summary>The same value, observed count times.</summary>
    void Observe(double val, long count);
}

/// <inheritdoc cref="IHistogram"/>
public sealed class Histogram : Collector<Histogram.Child>, IHistogram
{
    private const string BucketLabel = "le";

    // Seconds of a request, in the usual steps.
    private static readonly double[] DefaultBuckets = [.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10];

    private readonly double[] upperBounds; // ascending, the last is +Inf
    private readonly byte[] nameBytes;
    private readonly byte[][] textBuckets;
    private readonly byte[][] openMetricsBuckets;

    internal Histogram(CollectorIdentity identity, string help, HistogramConfiguration configuration)
        : base(identity, help, configuration.SuppressInitialValue)
    {
        if (identity.LabelNames.Contains(BucketLabel) || identity.StaticLabels.Any(label => label.Key == BucketLabel))
        {
            throw new ArgumentException($"{identity.Name}: a histogram's label cannot be '{BucketLabel}', its buckets have it.");
        }
        upperBounds = CheckBounds(identity.Name, configuration.Buckets ?? DefaultBuckets);
        nameBytes = ExpositionWriter.Utf8.GetBytes(identity.Name);
        textBuckets = [.. upperBounds.Select(bound => EncodeBound(bound, whole: ""))];
        // OpenMetrics has one spelling for each number: whole ones with their decimal point.
        openMetricsBuckets = [.. upperBounds.Select(bound => EncodeBound(bound, whole: ".0"))];
    }

    public double Sum => Unlabelled.Sum;
    public long Count => Unlabelled.Count;
    public void Observe(double val) => Unlabelled.Observe(val, 1);
    public void Observe(double val, long count) => Unlabelled.Observe(val, count);
    public void Publish() => Unlabelled.Publish();
    public void Unpublish() => Unlabelled.Unpublish();

    /// <summary>Bounds start, start + width, ..., count of them.</summary>
    public static double[] LinearBuckets(double start, double width, int count)
    {
        if (count <= 0) throw new ArgumentException("Linear buckets need a positive count.", nameof(count));
        return [.. Enumerable.Range(0, count).Select(i => start + i * width)];
    }

    /// <summary>Bounds start, start * factor, ..., count of them.</summary>
    public static double[] ExponentialBuckets(double start, double factor, int count)
    {
        if (count <= 0) throw new ArgumentException("Exponential buckets need a positive count.", nameof(count));
        if (start <= 0) throw new ArgumentException("Exponential buckets need a positive start.", nameof(start));
        if (factor <= 1) throw new ArgumentException("Exponential buckets need a factor greater than 1.", nameof(factor));
        return [.. Enumerable.Range(0, count).Select(i => start * Math.Pow(factor, i))];
    }

    internal override MetricType Type => MetricType.Histogram;
    internal override Child NewChild(string[] labelValues, bool publish) => new(this, labelValues, publish);

    private static double[] CheckBounds(string name, double[] bounds)
    {
        if (bounds.Length == 0) throw new ArgumentException($"{name}: a histogram needs at least one bucket.");
        if (!double.IsPositiveInfinity(bounds[^1])) bounds = [.. bounds, double.PositiveInfinity];
        for (var i = 1; i < bounds.Length; i++)
        {
            // Written so that a NaN fails too.
            if (!(bounds[i - 1] < bounds[i])) throw new ArgumentException($"{name}: the buckets' bounds must ascend.");
        }
        return bounds;
    }

    private static byte[] EncodeBound(double bound, string whole)
    {
        Span<byte> number = stackalloc byte[32];
        var text = ExpositionWriter.Utf8.GetString(number[..ExpositionWriter.FormatNumber(bound, number)]);
        if (text.All(c => char.IsAsciiDigit(c) || c == '-')) text += whole;
        return ExpositionWriter.Utf8.GetBytes($"{BucketLabel}=\"{text}\"");
    }

    public sealed class Child : ChildBase, IHistogram
    {
        private readonly Histogram histogram;
        private readonly long[] counts; // of each bucket alone
        private AtomicDouble sum;

        internal Child(Histogram histogram, string[] labelValues, bool publish) : base(histogram, labelValues, publish)
        {
            this.histogram = histogram;
            counts = new long[histogram.upperBounds.Length];
        }

        public double Sum => sum.Value;

        public long Count
        {
            get
            {
                var total = 0L;
                foreach (ref var count in counts.AsSpan()) total += Volatile.Read(ref count);
                return total;
            }
        }

        public void Observe(double val) => Observe(val, 1);

        public void Observe(double val, long count)
        {
            if (double.IsNaN(val)) return; // would belong to no bucket and spoil the sum

            // Few bounds, and most observations are small: a scan beats a binary search.
            var bounds = histogram.upperBounds;
            var bucket = 0;
            while (val > bounds[bucket]) bucket++;

            Interlocked.Add(ref counts[bucket], count);
            sum.Add(val * count);
            Publish();
        }

        internal override void Write(ExpositionWriter writer)
        {
            // The count is the last cumulative bucket, so that both agree while others go on observing.
            var buckets = writer.Format == ExpositionFormat.OpenMetricsText ? histogram.openMetricsBuckets : histogram.textBuckets;
            var cumulative = 0L;
            for (var i = 0; i < counts.Length; i++)
            {
                cumulative += Volatile.Read(ref counts[i]);
                writer.WriteSample(histogram.nameBytes, "_bucket"u8, LabelBytes, buckets[i], cumulative);
            }
            writer.WriteSample(histogram.nameBytes, "_sum"u8, LabelBytes, default, Sum);
            writer.WriteSample(histogram.nameBytes, "_count"u8, LabelBytes, default, cumulative);
        }
    }
}
