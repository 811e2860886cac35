using TorchSharp.Internal;

namespace TorchSharp;

public static partial class torch
{
    public unsafe partial class Tensor
    {
        /// <summary>The accumulated gradient, null without one. Each read makes a new handle to the same tensor.</summary>
        public Tensor? grad
        {
            get
            {
                nint handle;
                Native.Check(Native.vts_tensor_grad(Handle, &handle));
                GC.KeepAlive(this);
                return handle == 0 ? null : new Tensor(handle);
            }

            set
            {
                Native.Check(Native.vts_tensor_set_grad(Handle, value?.Handle ?? 0));
                GC.KeepAlive(this);
                GC.KeepAlive(value);
            }
        }

        public void backward() => backward(null);

        /// <summary>Accumulates gradients into the leaves, or into inputs alone when they are given.</summary>
        public void backward(
            IList<Tensor>? grad_tensors = null, bool retain_graph = false, bool create_graph = false, IList<Tensor>? inputs = null)
        {
            var grads = Handles(grad_tensors);
            var leaves = Handles(inputs);
            fixed (nint* first = grads, firstLeaf = leaves)
            {
                Native.Check(Native.vts_backward(
                    Handle, first, grads.Length, firstLeaf, leaves.Length, retain_graph ? 1 : 0, create_graph ? 1 : 0));
            }
            GC.KeepAlive(this);
            GC.KeepAlive(grad_tensors);
            GC.KeepAlive(inputs);
        }

        /// <summary>Keeps the gradient of a tensor that is not a leaf.</summary>
        public void retain_grad()
        {
            Native.Check(Native.vts_tensor_retain_grad(Handle));
            GC.KeepAlive(this);
        }

        public Tensor requires_grad_(bool requires_grad = true) => with_requires_grad(requires_grad);

        public Tensor with_requires_grad(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        /// <summary>The same data, outside the graph.</summary>
        public Tensor detach() => Ops.detach.Call(this);

        public Tensor detach_() => Ops.detach_.InPlace(this);

        private static nint[] Handles(IList<Tensor>? tensors) =>
            tensors is null ? [] : [.. tensors.Select(tensor => tensor.Handle)];
    }
}
