using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    public abstract class NormBase : nn.Module<Tensor, Tensor>
    {
        private protected NormBase(
            long num_features, double eps, double? momentum, bool affine, bool track_running_stats, Device? device,
            ScalarType? dtype, string name)
            : base(name)
        {
            this.num_features = num_features;
            this.eps = eps;
            this.momentum = momentum;
            this.affine = affine;
            this.track_running_stats = track_running_stats;
            if (affine)
            {
                weight = new Parameter(ones(num_features, dtype, device));
                bias = new Parameter(zeros(num_features, dtype, device));
            }
            if (track_running_stats)
            {
                running_mean = zeros(num_features, dtype, device);
                running_var = ones(num_features, dtype, device);
                num_batches_tracked = tensor(0L, int64, device);
            }
        }

        public long num_features { get; }

        public double eps { get; set; }

        /// <summary>Weight of a batch in the running statistics; null for the plain average over all batches.</summary>
        public double? momentum { get; set; }

        public bool affine { get; }

        public bool track_running_stats { get; }

        public Parameter? weight
        {
            get => Registered("weight");
            set => Replace("weight", value);
        }

        public Parameter? bias
        {
            get => Registered("bias");
            set => Replace("bias", value);
        }

        public Tensor? running_mean
        {
            get => RegisteredBuffer("running_mean");
            set => Replace("running_mean", value!);
        }

        public Tensor? running_var
        {
            get => RegisteredBuffer("running_var");
            set => Replace("running_var", value!);
        }

        public Tensor? num_batches_tracked
        {
            get => RegisteredBuffer("num_batches_tracked");
            set => Replace("num_batches_tracked", value!);
        }

        public void reset_running_stats()
        {
            if (!track_running_stats) return;
            nn.init.zeros_(running_mean!);
            nn.init.ones_(running_var!);
            nn.init.zeros_(num_batches_tracked!);
        }

        public void reset_parameters()
        {
            reset_running_stats();
            if (!affine) return;
            nn.init.ones_(weight!);
            nn.init.zeros_(bias!);
        }

        protected abstract void ValidateInputDimensions(Tensor input);
    }

    public abstract class BatchNorm : NormBase
    {
        private protected BatchNorm(
            long num_features, double eps, double? momentum, bool affine, bool track_running_stats, Device? device,
            ScalarType? dtype, string name)
            : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, name)
        {
        }

        /// <summary>In training by the statistics of the batch, which move the running ones; else by the running ones.</summary>
        public override Tensor forward(Tensor input)
        {
            ValidateInputDimensions(input);
            var moves = training && track_running_stats;
            if (moves) num_batches_tracked!.add_(1);
            var share = momentum ?? (moves ? 1.0 / num_batches_tracked!.ToInt64() : 0);
            return nn.functional.batch_norm(
                input, running_mean!, running_var!, weight, bias, training || !track_running_stats, share, eps);
        }
    }

    public sealed class BatchNorm2d : BatchNorm
    {
        internal BatchNorm2d(
            long num_features, double eps, double momentum, bool affine, bool track_running_stats, Device? device,
            ScalarType? dtype)
            : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, nameof(BatchNorm2d))
        {
        }

        protected override void ValidateInputDimensions(Tensor input)
        {
            if (input.ndim != 4) throw new ArgumentException($"expected 4D input, but got {input.ndim}D input.");
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static BatchNorm2d BatchNorm2d(
                long num_features, double eps = 1e-05, double momentum = 0.1, bool affine = true,
                bool track_running_stats = true, Device? device = null, ScalarType? dtype = null) =>
                new(num_features, eps, momentum, affine, track_running_stats, device, dtype);
        }
    }
}
