using TorchSharp.Internal;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>The version of libtorch.</summary>
    public static string __version__ => Native.Version;

    /// <summary>Threads that one operation may use.</summary>
    public static int get_num_threads() => Native.Threads;

    public static void set_num_threads(int num) => Native.Check(Native.vts_set_threads(num));

    /// <summary>Threads for operations side by side.</summary>
    public static int get_num_interop_threads() => Native.InteropThreads;

    /// <summary>Only once, before the first parallel work of the process.</summary>
    public static void set_num_interop_threads(int num) => Native.Check(Native.vts_set_interop_threads(num));

    public static bool is_grad_enabled() => Native.GradMode;

    /// <summary>Until disposed, nothing is recorded for backward on this thread.</summary>
    public static IDisposable no_grad() => new GradModeScope(false);

    public static IDisposable enable_grad(bool enabled = true) => new GradModeScope(enabled);

    public static IDisposable set_grad_enabled(bool mode = true) => new GradModeScope(mode);

    public static class cuda
    {
        public static bool is_available() => Native.CudaDevices > 0;

        public static int device_count() => Native.CudaDevices;

        public static void manual_seed(long seed) => torch.manual_seed(seed);

        public static void manual_seed_all(long seed) => torch.manual_seed(seed);

        /// <summary>Waits until the device has done all that was asked of it.</summary>
        public static void synchronize(Device? device = null)
        {
            InitializeDeviceType(DeviceType.CUDA);
            Native.Check(Native.vts_cuda_synchronize(device?.index ?? -1));
        }
    }

    private sealed class GradModeScope : IDisposable
    {
        private readonly bool _before = Native.GradMode;
        private bool _disposed;

        internal GradModeScope(bool enabled) => Native.GradMode = enabled;

        public void Dispose()
        {
            if (_disposed) return;
            _disposed = true;
            Native.GradMode = _before;
        }
    }
}
