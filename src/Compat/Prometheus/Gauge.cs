namespace Prometheus;

/// <summary>A number that rises and falls.</summary>
public interface IGauge : ICollectorChild
{
    double Value { get; }
    void Set(double val);
    void Inc(double increment = 1);
    void Dec(double decrement = 1);

    /// <summary>Raises the value to the target; does nothing when it is there already.</summary>
    void IncTo(double targetValue);

    /// <summary>Lowers the value to the target; does nothing when it is there already.</summary>
    void DecTo(double targetValue);
}

/// <inheritdoc cref="IGauge"/>
public sealed class Gauge : Collector<Gauge.Child>, IGauge
{
    private readonly byte[] nameBytes;

    internal Gauge(CollectorIdentity identity, string help, GaugeConfiguration configuration)
        : base(identity, help, configuration.SuppressInitialValue) => nameBytes = ExpositionWriter.Utf8.GetBytes(identity.Name);

    public double Value => Unlabelled.Value;
    public void Set(double val) => Unlabelled.Set(val);
    public void Inc(double increment = 1) => Unlabelled.Inc(increment);
    public void Dec(double decrement = 1) => Unlabelled.Dec(decrement);
    public void IncTo(double targetValue) => Unlabelled.IncTo(targetValue);
    public void DecTo(double targetValue) => Unlabelled.DecTo(targetValue);
    public void Publish() => Unlabelled.Publish();
    public void Unpublish() => Unlabelled.Unpublish();

    internal override MetricType Type => MetricType.Gauge;
    internal override Child NewChild(string[] labelValues, bool publish) => new(this, labelValues, publish);

    public sealed class Child : ChildBase, IGauge
    {
        private readonly Gauge gauge;
        private AtomicDouble value;

        internal Child(Gauge gauge, string[] labelValues, bool publish) : base(gauge, labelValues, publish) => this.gauge = gauge;

        public double Value => value.Value;

        public void Set(double val)
        {
            value.Value = val;
            Publish();
        }

        public void Inc(double increment = 1)
        {
            value.Add(increment);
            Publish();
        }

        public void Dec(double decrement = 1) => Inc(-decrement);

        public void IncTo(double targetValue)
        {
            value.RaiseTo(targetValue);
            Publish();
        }

        public void DecTo(double targetValue)
        {
            value.LowerTo(targetValue);
            Publish();
        }

        internal override void Write(ExpositionWriter writer) => writer.WriteSample(gauge.nameBytes, default, LabelBytes, default, Value);
    }
}
