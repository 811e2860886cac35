using System.Runtime.CompilerServices;
using TorchSharp.Internal;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        [IndexerName("TensorItems")]
        public Tensor this[params TensorIndex[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1]
        {
            get => select(0, i1);
            set => Put(select(0, i1), value);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2]
        {
            get => index(i1, i2);
            set => index_put_(value, i1, i2);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3]
        {
            get => index(i1, i2, i3);
            set => index_put_(value, i1, i2, i3);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3, long i4]
        {
            get => index(i1, i2, i3, i4);
            set => index_put_(value, i1, i2, i3, i4);
        }

        public Tensor index(params TensorIndex[] indices)
        {
            var (view, positions) = Basic(indices);
            if (positions is null) return view;
            using (view) return Ops.index_Tensor.Call(view, Arg.Tensors(positions));
        }

        /// <summary>One tensor of positions, or of truth values, per dimension.</summary>
        public Tensor index(params Tensor[] indices) => Ops.index_Tensor.Call(this, Arg.Tensors(indices));

        public Tensor index_put_(Tensor value, params TensorIndex[] indices)
        {
            var (view, positions) = Basic(indices);
            if (positions is null) Put(view, value);
            else using (view) Ops.index_put_.InPlace(view, Arg.Tensors(positions), value);
            return this;
        }

        public Tensor index_put_(Tensor value, params Tensor[] indices) =>
            Ops.index_put_.InPlace(this, Arg.Tensors(indices), value);

        public Tensor index_select(long dim, Tensor index) => Ops.index_select.Call(this, dim, index);

        public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) =>
            Ops.index_add_.InPlace(this, dim, index, source, alpha);

        public Tensor gather(long dim, Tensor index) => Ops.gather.Call(this, dim, index);

        public Tensor scatter(long dim, Tensor index, Tensor src) => Ops.scatter_src.Call(this, dim, index, src);

        public Tensor scatter_(long dim, Tensor index, Tensor src) => Ops.scatter__src.InPlace(this, dim, index, src);

        public Tensor masked_fill(Tensor mask, Scalar value) => Ops.masked_fill_Scalar.Call(this, mask, value);

        public Tensor masked_fill_(Tensor mask, Scalar value) => Ops.masked_fill__Scalar.InPlace(this, mask, value);

        public Tensor masked_select(Tensor mask) => Ops.masked_select.Call(this, mask);

        public Tensor nonzero() => Ops.nonzero.Call(this);

        private static void Put(Tensor view, Tensor value)
        {
            using (view) view.copy_(value);
        }

        // The view that positions and ranges lead to, and the tensors of positions that remain, per dimension of it.
        private (Tensor View, Tensor?[]? Positions) Basic(TensorIndex[] indices)
        {
            var consumed = indices.Count(index => index.Kind is not (TensorIndex.IndexKind.None or TensorIndex.IndexKind.Ellipsis));
            var view = alias();
            List<Tensor?> positions = [];
            var any = false;
            foreach (var index in indices)
            {
                long dim = positions.Count;
                switch (index.Kind)
                {
                    case TensorIndex.IndexKind.Single:
                        view = Step(view, view.select(dim, index.Start!.Value));
                        break;
                    case TensorIndex.IndexKind.None:
                        view = Step(view, view.unsqueeze(dim));
                        positions.Add(null);
                        break;
                    case TensorIndex.IndexKind.Slice:
                        view = Step(view, Ops.slice_Tensor.Call(view, dim, index.Start, index.Stop, index.Step));
                        positions.Add(null);
                        break;
                    case TensorIndex.IndexKind.Ellipsis:
                        for (var i = Dimensions - consumed; i > 0; i--) positions.Add(null);
                        break;
                    default:
                        any = true;
                        positions.Add(index.Positions);
                        break;
                }
            }
            return (view, any ? [.. positions] : null);
        }

        private static Tensor Step(Tensor before, Tensor after)
        {
            before.Dispose();
            return after;
        }
    }
}
