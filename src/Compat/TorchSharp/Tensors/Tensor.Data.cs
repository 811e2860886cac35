using System.Runtime.CompilerServices;
using TorchSharp.Internal;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public unsafe partial class Tensor
    {
        /// <summary>The memory of a contiguous tensor on the CPU; valid while the tensor lives.</summary>
        public Span<byte> bytes
        {
            get
            {
                if (!is_cpu()) throw new InvalidOperationException("Only the bytes of a tensor on the CPU can be read: call cpu() before.");
                if (!is_contiguous()) throw new NotImplementedException("Bytes() called on non-contiguous tensor.");
                return new Span<byte>(DataPointer, checked((int)(NumberOfElements * ElementSize)));
            }

            set
            {
                var own = bytes;
                if (own.Length != value.Length)
                    throw new ArgumentException($"{value.Length} bytes do not fill a tensor of {own.Length} bytes.");
                value.CopyTo(own);
            }
        }

        internal void* DataPointer
        {
            get
            {
                void* pointer;
                Native.Check(Native.vts_tensor_data(Handle, &pointer));
                return pointer;
            }
        }

        /// <summary>Reads and writes the elements where they are; the tensor must be on the CPU and of type T.</summary>
        public TensorAccessor<T> data<T>()
            where T : unmanaged
        {
            if (!is_cpu()) throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
            ValidateType(typeof(T));
            return new TensorAccessor<T>(this);
        }

        /// <summary>The one element of the tensor, wherever it is; T must be its type.</summary>
        public T item<T>()
            where T : unmanaged
        {
            if (NumberOfElements != 1) throw new ArgumentException($"Number of elements in the tensor must be 1, but is {NumberOfElements}");
            ValidateType(typeof(T));
            if (is_cpu())
            {
                var value = Unsafe.ReadUnaligned<T>(DataPointer);
                GC.KeepAlive(this);
                return value;
            }
            using var copy = cpu();
            return copy.item<T>();
        }

        /// <summary>The one element of the tensor, waiting for its device.</summary>
        public Scalar ToScalar()
        {
            var value = Ops._local_scalar_dense.CallValue(this);
            return new Scalar(value.Tag, value.Bits);
        }

        private void ValidateType(Type type)
        {
            var expected = dtype switch
            {
                ScalarType.Byte => typeof(byte),
                ScalarType.Int8 => typeof(sbyte),
                ScalarType.Int16 => typeof(short),
                ScalarType.Int32 => typeof(int),
                ScalarType.Int64 => typeof(long),
                ScalarType.Float16 => typeof(Half),
                ScalarType.Float32 => typeof(float),
                ScalarType.Float64 => typeof(double),
                ScalarType.Bool => typeof(bool),
                _ => null,
            };
            if (expected != type) throw new ArgumentException($"The tensor's elements are {dtype}; they cannot be read as {type.Name}.");
        }
    }
}

public static class TensorExtensionMethods
{
    public static bool ToBoolean(this torch.Tensor value) => value.ToScalar().ToBoolean();

    public static byte ToByte(this torch.Tensor value) => value.ToScalar().ToByte();

    public static sbyte ToSByte(this torch.Tensor value) => value.ToScalar().ToSByte();

    public static short ToInt16(this torch.Tensor value) => value.ToScalar().ToInt16();

    public static int ToInt32(this torch.Tensor value) => value.ToScalar().ToInt32();

    public static long ToInt64(this torch.Tensor value) => value.ToScalar().ToInt64();

    public static Half ToHalf(this torch.Tensor value) => value.ToScalar().ToHalf();

    public static float ToSingle(this torch.Tensor value) => value.ToScalar().ToSingle();

    public static double ToDouble(this torch.Tensor value) => value.ToScalar().ToDouble();

    /// <summary>Bytes per element.</summary>
    public static int ElementSize(this torch.ScalarType type) => type switch
    {
        torch.ScalarType.Byte or torch.ScalarType.Int8 or torch.ScalarType.Bool => 1,
        torch.ScalarType.Int16 or torch.ScalarType.Float16 or torch.ScalarType.BFloat16 => 2,
        torch.ScalarType.Int32 or torch.ScalarType.Float32 => 4,
        torch.ScalarType.ComplexFloat64 => 16,
        _ => 8,
    };

    public static Modules.Parameter AsParameter(this torch.Tensor tensor) => new(tensor);
}
