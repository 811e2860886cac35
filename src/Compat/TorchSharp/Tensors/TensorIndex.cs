namespace TorchSharp;

public static partial class torch
{
    /// <summary>One index of <c>t[...]</c>: a position, a range, everything, a new dimension, or a tensor of positions.</summary>
    public readonly struct TensorIndex
    {
        public static readonly TensorIndex Ellipsis = new(IndexKind.Ellipsis);
        public static readonly TensorIndex None = new(IndexKind.None);
        public static readonly TensorIndex Colon = Slice();

        private TensorIndex(IndexKind kind, long? start = null, long? stop = null, long step = 1, Tensor? positions = null)
        {
            Kind = kind;
            Start = start;
            Stop = stop;
            Step = step;
            Positions = positions;
        }

        internal enum IndexKind { None, Single, Slice, Ellipsis, Tensor }

        internal IndexKind Kind { get; }

        internal long? Start { get; }

        internal long? Stop { get; }

        internal long Step { get; }

        internal Tensor? Positions { get; }

        public static TensorIndex Single(long? index) => new(IndexKind.Single, index ?? 0);

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) =>
            new(IndexKind.Slice, start, stop, step ?? 1);

        public static TensorIndex Slice((int? start, int? end) range) => Slice(range.start, range.end);

        public static TensorIndex Slice(Range range) =>
            Slice(
                range.Start.IsFromEnd ? -range.Start.Value : range.Start.Value,
                range.End.IsFromEnd ? range.End.Value == 0 ? null : -range.End.Value : range.End.Value);

        public static TensorIndex Tensor(Tensor tensor) => new(IndexKind.Tensor, positions: tensor);

        public static implicit operator TensorIndex(long value) => Single(value);

        public static implicit operator TensorIndex((int? start, int? end) range) => Slice(range);

        public static implicit operator TensorIndex(Index index) => Single(index.IsFromEnd ? -index.Value : index.Value);

        public static implicit operator TensorIndex(Range range) => Slice(range);
    }
}
