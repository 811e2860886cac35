using TorchSharp.Internal;

namespace TorchSharp;

public static partial class torch
{
    // Random numbers in place; the default generator of the tensor's device where none is given.
    public partial class Tensor
    {
        public Tensor uniform_(double from, double to, Generator? generator = null) =>
            Ops.uniform_.InPlace(this, from, to, generator);

        public Tensor normal_(double mean = 0, double std = 1, Generator? generator = null) =>
            Ops.normal_.InPlace(this, mean, std, generator);

        public Tensor bernoulli_(double p = 0.5, Generator? generator = null) =>
            Ops.bernoulli__float.InPlace(this, p, generator);

        public Tensor bernoulli(Generator? generator = null) => Ops.bernoulli.Call(this, generator);

        public Tensor exponential_(double lambda = 1, Generator? generator = null) =>
            Ops.exponential_.InPlace(this, lambda, generator);

        public Tensor multinomial(long num_samples, bool replacement = false, Generator? generator = null) =>
            Ops.multinomial.Call(this, num_samples, replacement, generator);
    }
}
