using TorchSharp.Internal;

namespace TorchSharp;

public static partial class torch
{
    // The overloads for numbers spare the Scalar object; int and float go where their conversions lead.
    public partial class Tensor
    {
        public static Tensor operator +(Tensor left, Tensor right) => Ops.add_Tensor.Call(left, right);

        public static Tensor operator +(Tensor left, Scalar right) => Ops.add_Scalar.Call(left, right);

        public static Tensor operator +(Tensor left, int right) => Ops.add_Scalar.Call(left, (long)right);

        public static Tensor operator +(Tensor left, long right) => Ops.add_Scalar.Call(left, right);

        public static Tensor operator +(Tensor left, float right) => Ops.add_Scalar.Call(left, (double)right);

        public static Tensor operator +(Tensor left, double right) => Ops.add_Scalar.Call(left, right);

        public static Tensor operator +(Scalar left, Tensor right) => right + left;

        public static Tensor operator +(int left, Tensor right) => right + left;

        public static Tensor operator +(long left, Tensor right) => right + left;

        public static Tensor operator +(float left, Tensor right) => right + left;

        public static Tensor operator +(double left, Tensor right) => right + left;

        public static Tensor operator -(Tensor tensor) => tensor.neg();

        public static Tensor operator -(Tensor left, Tensor right) => Ops.sub_Tensor.Call(left, right);

        public static Tensor operator -(Tensor left, Scalar right) => Ops.sub_Scalar.Call(left, right);

        public static Tensor operator -(Tensor left, int right) => Ops.sub_Scalar.Call(left, (long)right);

        public static Tensor operator -(Tensor left, long right) => Ops.sub_Scalar.Call(left, right);

        public static Tensor operator -(Tensor left, float right) => Ops.sub_Scalar.Call(left, (double)right);

        public static Tensor operator -(Tensor left, double right) => Ops.sub_Scalar.Call(left, right);

        public static Tensor operator -(Scalar left, Tensor right) => Ops.rsub_Scalar.Call(right, left);

        public static Tensor operator -(int left, Tensor right) => Ops.rsub_Scalar.Call(right, (long)left);

        public static Tensor operator -(long left, Tensor right) => Ops.rsub_Scalar.Call(right, left);

        public static Tensor operator -(float left, Tensor right) => Ops.rsub_Scalar.Call(right, (double)left);

        public static Tensor operator -(double left, Tensor right) => Ops.rsub_Scalar.Call(right, left);

        public static Tensor operator *(Tensor left, Tensor right) => Ops.mul_Tensor.Call(left, right);

        public static Tensor operator *(Tensor left, Scalar right) => Ops.mul_Scalar.Call(left, right);

        public static Tensor operator *(Tensor left, int right) => Ops.mul_Scalar.Call(left, (long)right);

        public static Tensor operator *(Tensor left, long right) => Ops.mul_Scalar.Call(left, right);

        public static Tensor operator *(Tensor left, float right) => Ops.mul_Scalar.Call(left, (double)right);

        public static Tensor operator *(Tensor left, double right) => Ops.mul_Scalar.Call(left, right);

        public static Tensor operator *(Scalar left, Tensor right) => right * left;

        public static Tensor operator *(int left, Tensor right) => right * left;

        public static Tensor operator *(long left, Tensor right) => right * left;

        public static Tensor operator *(float left, Tensor right) => right * left;

        public static Tensor operator *(double left, Tensor right) => right * left;

        public static Tensor operator /(Tensor left, Tensor right) => Ops.div_Tensor.Call(left, right);

        public static Tensor operator /(Tensor left, Scalar right) => Ops.div_Scalar.Call(left, right);

        public static Tensor operator /(Tensor left, int right) => Ops.div_Scalar.Call(left, (long)right);

        public static Tensor operator /(Tensor left, long right) => Ops.div_Scalar.Call(left, right);

        public static Tensor operator /(Tensor left, float right) => Ops.div_Scalar.Call(left, (double)right);

        public static Tensor operator /(Tensor left, double right) => Ops.div_Scalar.Call(left, right);

        public static Tensor operator /(Scalar left, Tensor right)
        {
            using var inverse = right.reciprocal();
            return inverse * left;
        }

        public static Tensor operator /(int left, Tensor right) => (Scalar)left / right;

        public static Tensor operator /(long left, Tensor right) => (Scalar)left / right;

        public static Tensor operator /(float left, Tensor right) => (Scalar)left / right;

        public static Tensor operator /(double left, Tensor right) => (Scalar)left / right;

        public static Tensor operator %(Tensor left, Tensor right) => left.remainder(right);

        public static Tensor operator %(Tensor left, Scalar right) => left.remainder(right);

        public static Tensor operator &(Tensor left, Tensor right) => left.bitwise_and(right);

        public static Tensor operator |(Tensor left, Tensor right) => left.bitwise_or(right);

        public static Tensor operator ^(Tensor left, Tensor right) => left.bitwise_xor(right);

        public static Tensor operator ~(Tensor left) => left.bitwise_not();

        public static Tensor operator ==(Tensor left, Tensor right) => left.eq(right);

        public static Tensor operator ==(Tensor left, Scalar right) => left.eq(right);

        public static Tensor operator !=(Tensor left, Tensor right) => left.ne(right);

        public static Tensor operator !=(Tensor left, Scalar right) => left.ne(right);

        public static Tensor operator <(Tensor left, Tensor right) => left.lt(right);

        public static Tensor operator <(Tensor left, Scalar right) => left.lt(right);

        public static Tensor operator <=(Tensor left, Tensor right) => left.le(right);

        public static Tensor operator <=(Tensor left, Scalar right) => left.le(right);

        public static Tensor operator >(Tensor left, Tensor right) => left.gt(right);

        public static Tensor operator >(Tensor left, Scalar right) => left.gt(right);

        public static Tensor operator >=(Tensor left, Tensor right) => left.ge(right);

        public static Tensor operator >=(Tensor left, Scalar right) => left.ge(right);

        public static explicit operator float(Tensor value) => value.ToSingle();

        public static explicit operator double(Tensor value) => value.ToDouble();

        public static explicit operator byte(Tensor value) => value.ToByte();

        public static explicit operator int(Tensor value) => value.ToInt32();

        public static explicit operator long(Tensor value) => value.ToInt64();

        public static explicit operator bool(Tensor value) => value.ToBoolean();
    }
}
