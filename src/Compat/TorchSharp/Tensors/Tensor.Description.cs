using System.Globalization;
using TorchSharp.Internal;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public ScalarType dtype => (ScalarType)Describe().Dtype;

        public Device device
        {
            get
            {
                var about = Describe();
                return about.DeviceType == (int)DeviceType.CPU ? CPU : new((DeviceType)about.DeviceType, about.DeviceIndex);
            }
        }

        public DeviceType device_type => (DeviceType)Describe().DeviceType;

        public int device_index => Describe().DeviceIndex;

        public bool is_cuda => device_type == DeviceType.CUDA;

        public long Dimensions => Describe().Dimensions;

        public long ndim => Dimensions;

        public long NumberOfElements => Describe().Elements;

        /// <summary>Bytes per element.</summary>
        public long ElementSize => Describe().ElementSize;

        public bool requires_grad
        {
            get => Describe().RequiresGrad != 0;
            set
            {
                Native.Check(Native.vts_tensor_set_requires_grad(Handle, value ? 1 : 0));
                GC.KeepAlive(this);
            }
        }

        public bool is_leaf => Describe().Leaf != 0;

        public long[] shape => ShapeOrStrides(strides: false);

        public bool is_cpu() => device_type == DeviceType.CPU;

        public bool is_contiguous() => Describe().Contiguous != 0;

        public bool is_floating_point() =>
            dtype is ScalarType.Float16 or ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16;

        public bool is_integral() =>
            dtype is ScalarType.Byte or ScalarType.Int8 or ScalarType.Int16 or ScalarType.Int32 or ScalarType.Int64;

        public long dim() => Dimensions;

        public long numel() => NumberOfElements;

        public long element_size() => ElementSize;

        public long[] size() => shape;

        public long size(int dim)
        {
            var all = shape;
            return all[dim < 0 ? dim + all.Length : dim];
        }

        public long[] stride() => ShapeOrStrides(strides: true);

        public long stride(int dim)
        {
            var all = stride();
            return all[dim < 0 ? dim + all.Length : dim];
        }

        /// <summary>In elements, from the start of the storage that the tensor looks into.</summary>
        public long storage_offset() => Describe().StorageOffset;

        public override string ToString()
        {
            if (IsInvalid) return "disposed";
            var sizes = string.Join("x", shape.Select(size => size.ToString(CultureInfo.InvariantCulture)));
            return $"[{sizes}], type = {dtype}, device = {device}";
        }

        internal unsafe Description Describe()
        {
            Description about;
            Native.Check(Native.vts_tensor_describe(Handle, &about));
            GC.KeepAlive(this);
            return about;
        }

        private unsafe long[] ShapeOrStrides(bool strides)
        {
            var dimensions = Describe().Dimensions;
            var both = stackalloc long[2 * dimensions];
            Native.Check(Native.vts_tensor_shape(Handle, both));
            GC.KeepAlive(this);
            return new ReadOnlySpan<long>(strides ? both + dimensions : both, dimensions).ToArray();
        }
    }
}
