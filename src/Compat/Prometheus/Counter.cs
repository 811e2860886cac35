namespace Prometheus;

/// <summary>A number that only rises, such as a count of events.</summary>
public interface ICounter : ICollectorChild
{
    double Value { get; }

    /// <exception cref="ArgumentOutOfRangeException">A negative increment.</exception>
    void Inc(double increment = 1);

    /// <summary>Raises the value to the target; does nothing when it is there already.</summary>
    void IncTo(double targetValue);
}

/// <inheritdoc cref="ICounter"/>
public sealed class Counter : Collector<Counter.Child>, ICounter
{
    private readonly byte[] nameBytes;

    internal Counter(CollectorIdentity identity, string help, CounterConfiguration configuration)
        : base(identity, help, configuration.SuppressInitialValue) => nameBytes = ExpositionWriter.Utf8.GetBytes(identity.Name);

    public double Value => Unlabelled.Value;
    public void Inc(double increment = 1) => Unlabelled.Inc(increment);
    public void IncTo(double targetValue) => Unlabelled.IncTo(targetValue);
    public void Publish() => Unlabelled.Publish();
    public void Unpublish() => Unlabelled.Unpublish();

    internal override MetricType Type => MetricType.Counter;
    internal override Child NewChild(string[] labelValues, bool publish) => new(this, labelValues, publish);

    public sealed class Child : ChildBase, ICounter
    {
        private readonly Counter counter;
        private AtomicDouble value;

        internal Child(Counter counter, string[] labelValues, bool publish) : base(counter, labelValues, publish) => this.counter = counter;

        public double Value => value.Value;

        public void Inc(double increment = 1)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(increment);
            value.Add(increment);
            Publish();
        }

        public void IncTo(double targetValue)
        {
            value.RaiseTo(targetValue);
            Publish();
        }

        internal override void Write(ExpositionWriter writer) => writer.WriteSample(counter.nameBytes, default, LabelBytes, default, Value);
    }
}
