using TorchSharp.Internal;

namespace TorchSharp;

public static partial class torch
{
    public static readonly Device CPU = new(DeviceType.CPU);

    public static Device CUDA => device(DeviceType.CUDA);

    public static Device device(string description) => new(description);

    public static Device device(string deviceType, int index = -1) => new(deviceType, index);

    public static Device device(DeviceType deviceType, int index = -1) => new(deviceType, index);

    public static Device device(int index) => new(index);

    /// <summary>Throws <see cref="InvalidOperationException"/> when this machine has no such device.</summary>
    public static void InitializeDeviceType(DeviceType deviceType)
    {
        if (!TryInitializeDeviceType(deviceType))
            throw new InvalidOperationException($"Torch device type {deviceType} did not initialise on the current machine.");
    }

    public static bool TryInitializeDeviceType(DeviceType deviceType) =>
        deviceType != DeviceType.CUDA || Native.CudaDevices > 0;

    /// <summary>The device, or the CPU for null, after a check that this machine has it.</summary>
    public static Device InitializeDevice(Device? device)
    {
        var chosen = device ?? CPU;
        InitializeDeviceType(chosen.type);
        return chosen;
    }

    public class Device
    {
        /// <param name="description">A type with or without an index: <c>cpu</c>, <c>cuda</c>, <c>cuda:1</c>.</param>
        public Device(string description)
        {
            var colon = description.IndexOf(':', StringComparison.Ordinal);
            var index = -1;
            if (colon >= 0 && !int.TryParse(description.AsSpan(colon + 1), out index)) throw Unknown(description);
            type = TypeOf(colon < 0 ? description : description[..colon]);
            this.index = IndexOf(type, index);
        }

        public Device(string deviceType, int index = -1)
            : this(TypeOf(deviceType), index)
        {
        }

        public Device(DeviceType deviceType, int index = -1)
        {
            type = deviceType;
            this.index = IndexOf(deviceType, index);
        }

        /// <summary>The CUDA device with this index.</summary>
        public Device(int index)
            : this(DeviceType.CUDA, index)
        {
        }

        public DeviceType type { get; }

        /// <summary>-1 for the CPU.</summary>
        public int index { get; }

        public static implicit operator Device(string description) => new(description);

        public override string ToString() => type == DeviceType.CPU ? "cpu" : $"cuda:{index}";

        internal bool Is(Device other) => type == other.type && index == other.index;

        private static int IndexOf(DeviceType type, int index) => type == DeviceType.CPU ? -1 : Math.Max(index, 0);

        private static DeviceType TypeOf(string name) => name.ToUpperInvariant() switch
        {
            "CPU" => DeviceType.CPU,
            "CUDA" => DeviceType.CUDA,
            _ => throw Unknown(name),
        };

        private static ArgumentException Unknown(string description) =>
            new($"'{description}' is no device: write cpu, cuda or cuda:<index>.");
    }
}
