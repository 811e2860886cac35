using TorchSharp.Internal;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Seeds every default generator, the CPU's and CUDA's, and returns the CPU's.</summary>
    public static Generator manual_seed(long seed)
    {
        Native.Check(Native.vts_manual_seed((ulong)seed));
        return Generator.Default;
    }

    public static unsafe class random
    {
        public static Generator manual_seed(long seed) => torch.manual_seed(seed);

        public static long initial_seed()
        {
            using var generator = Generator.Default;
            return generator.initial_seed();
        }

        public static Tensor get_rng_state()
        {
            using var generator = Generator.Default;
            return generator.get_state();
        }

        public static void set_rng_state(Tensor new_state)
        {
            using var generator = Generator.Default;
            generator.set_state(new_state);
        }
    }

    /// <summary>A stream of random numbers of its own, or a handle to a device's default one.</summary>
    public unsafe class Generator : IDisposable
    {
        private nint _handle;

        public Generator(ulong seed = 0, Device? device = null)
        {
            this.device = device ?? CPU;
            nint handle;
            Native.Check(Native.vts_generator_new(seed, (int)this.device.type, this.device.index, &handle));
            _handle = handle;
        }

        private Generator(nint handle, Device device)
        {
            _handle = handle;
            this.device = device;
        }

        ~Generator() => Dispose(false);

        /// <summary>A new handle to the CPU's default generator.</summary>
        public static Generator Default
        {
            get
            {
                nint handle;
                Native.Check(Native.vts_generator_default((int)DeviceType.CPU, -1, &handle));
                return new Generator(handle, CPU);
            }
        }

        public Device device { get; }

        /// <summary>An at::Generator*.</summary>
        public nint Handle => _handle != 0 ? _handle : throw new ObjectDisposedException(nameof(Generator));

        public Generator manual_seed(long seed)
        {
            Native.Check(Native.vts_generator_set_seed(Handle, (ulong)seed));
            return this;
        }

        public long initial_seed()
        {
            ulong seed;
            Native.Check(Native.vts_generator_current_seed(Handle, &seed));
            return (long)seed;
        }

        /// <summary>Seeds with entropy of the system and returns that seed.</summary>
        public long seed()
        {
            ulong seed;
            Native.Check(Native.vts_generator_random_seed(Handle, &seed));
            return (long)seed;
        }

        public Tensor get_state()
        {
            nint state;
            Native.Check(Native.vts_generator_state(Handle, &state));
            return new Tensor(state);
        }

        public void set_state(Tensor value)
        {
            Native.Check(Native.vts_generator_set_state(Handle, value.Handle));
            GC.KeepAlive(value);
        }

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            var handle = Interlocked.Exchange(ref _handle, 0);
            if (handle != 0) Native.vts_generator_delete(handle);
        }
    }
}
