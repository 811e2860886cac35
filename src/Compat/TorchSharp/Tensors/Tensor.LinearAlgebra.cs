using TorchSharp.Internal;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor matmul(Tensor target) => Ops.matmul.Call(this, target);

        public Tensor mm(Tensor target) => Ops.mm.Call(this, target);

        public Tensor bmm(Tensor batch2) => Ops.bmm.Call(this, batch2);

        public Tensor mv(Tensor target) => Ops.mv.Call(this, target);

        public Tensor dot(Tensor target) => Ops.dot.Call(this, target);

        public Tensor outer(Tensor vec2) => Ops.outer.Call(this, vec2);

        /// <summary>beta * this + alpha * mat1 @ mat2</summary>
        public Tensor addmm(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) =>
            Ops.addmm.Call(this, mat1, mat2, (double)beta, (double)alpha);
    }

    public static class linalg
    {
        public static Tensor cholesky(Tensor input) => Ops.linalg_cholesky.Call(input);

        public static (Tensor, Tensor) eigh(Tensor input, char UPLO = 'L') => Ops.linalg_eigh.CallPair(input, UPLO.ToString());

        public static (Tensor, Tensor, Tensor) svd(Tensor input, bool fullMatrices = true) =>
            Ops.linalg_svd.CallTriple(input, fullMatrices);

        public static Tensor svdvals(Tensor input) => Ops.linalg_svdvals.Call(input);

        public static Tensor det(Tensor input) => Ops.linalg_det.Call(input);

        public static Tensor inv(Tensor input) => Ops.linalg_inv.Call(input);

        public static Tensor vector_norm(Tensor input, double ord = 2, long[]? dims = null, bool keepdim = false) =>
            Ops.linalg_vector_norm.Call(input, ord, dims, keepdim);
    }
}
