using TorchSharp.Internal;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module
        {
            /// <summary>Parameters and persistent buffers by name; the tensors are the module's own.</summary>
            public virtual Dictionary<string, Tensor> state_dict(
                Dictionary<string, Tensor>? destination = null, string? prefix = null)
            {
                destination ??= [];
                foreach (var (key, tensor) in State())
                    destination.Add(string.IsNullOrEmpty(prefix) ? key : $"{prefix}.{key}", tensor);
                return destination;
            }

            /// <summary>Copies values in; returns the names that source lacks and those that only it has.</summary>
            /// <param name="source">Tensors by name.</param>
            /// <param name="strict">Whether such names are an error, before anything is copied.</param>
            /// <param name="skip">Names to leave alone.</param>
            public virtual (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(
                Dictionary<string, Tensor> source, bool strict = true, IList<string>? skip = null)
            {
                var own = State().Where(item => skip?.Contains(item.name) != true).ToDictionary();
                List<string> missing = [.. own.Keys.Where(key => !source.ContainsKey(key))];
                List<string> unexpected = [.. source.Keys.Where(key => !own.ContainsKey(key) && skip?.Contains(key) != true)];
                if (strict && missing.Count + unexpected.Count > 0)
                {
                    throw new InvalidOperationException(
                        "The loaded state_dict is not identical to the target dictionary."
                        + $" Missing: {string.Join(", ", missing)}. Unexpected: {string.Join(", ", unexpected)}.");
                }
                using var mode = no_grad();
                foreach (var (key, tensor) in own)
                {
                    if (source.TryGetValue(key, out var value)) tensor.copy_(value);
                }
                return (missing, unexpected);
            }

            /// <summary>
            /// Moves and converts parameters, buffers and gradients; the objects stay, their native tensors change. As in
            /// PyTorch, a type applies to floating-point tensors alone.
            /// </summary>
            internal void MoveTo(ScalarType? type, Device? device)
            {
                if (device is not null) InitializeDeviceType(device.type);
                using var mode = no_grad();
                foreach (var (_, tensor) in named_parameters().Select(item => (item.name, (Tensor)item.parameter)).Concat(named_buffers()))
                {
                    if (Moved(tensor, type, device) is not { } moved) continue;
                    moved.requires_grad = tensor.requires_grad;
                    using (var grad = tensor.grad)
                    using (var movedGrad = grad is null ? null : Moved(grad, type, device))
                        if (movedGrad is not null) moved.grad = movedGrad;
                    tensor.TakeOver(moved);
                }
            }

            private IEnumerable<(string name, Tensor tensor)> State()
            {
                foreach (var (key, parameter) in _parametersByName) yield return (key, parameter);
                foreach (var (key, (buffer, persistent)) in _buffersByName)
                {
                    if (persistent) yield return (key, buffer);
                }
                foreach (var (child, module) in _modulesByName)
                {
                    foreach (var (key, tensor) in module.State()) yield return ($"{child}.{key}", tensor);
                }
            }

            // Null where nothing has to change.
            private static Tensor? Moved(Tensor tensor, ScalarType? type, Device? device)
            {
                var newType = type is { } wanted && tensor.is_floating_point() ? wanted : tensor.dtype;
                var newDevice = device ?? tensor.device;
                return newType == tensor.dtype && newDevice.Is(tensor.device)
                    ? null
                    : Ops.to_device.Call(tensor, newDevice, newType, false, true);
            }
        }
    }
}

public static class ModuleExtensionMethods
{
    public static T to<T>(this T module, torch.ScalarType type, bool non_blocking = false)
        where T : torch.nn.Module => Move(module, type, null);

    public static T to<T>(this T module, torch.Device device, torch.ScalarType type, bool non_blocking = false)
        where T : torch.nn.Module => Move(module, type, device);

    public static T to<T>(this T module, torch.Device device, bool non_blocking = false)
        where T : torch.nn.Module => Move(module, null, device);

    public static T to<T>(this T module, DeviceType deviceType, int deviceIndex = -1, bool non_blocking = false)
        where T : torch.nn.Module => Move(module, null, new torch.Device(deviceType, deviceIndex));

    public static T to<T>(this T module, string device, bool non_blocking = false)
        where T : torch.nn.Module => Move(module, null, new torch.Device(device));

    public static T cpu<T>(this T module, bool non_blocking = false)
        where T : torch.nn.Module => Move(module, null, torch.CPU);

    public static T cuda<T>(this T module, int deviceIndex = -1, bool non_blocking = false)
        where T : torch.nn.Module => Move(module, null, new torch.Device(DeviceType.CUDA, deviceIndex));

    public static T @float<T>(this T module, bool non_blocking = false)
        where T : torch.nn.Module => Move(module, torch.ScalarType.Float32, null);

    public static T @double<T>(this T module, bool non_blocking = false)
        where T : torch.nn.Module => Move(module, torch.ScalarType.Float64, null);

    public static T half<T>(this T module, bool non_blocking = false)
        where T : torch.nn.Module => Move(module, torch.ScalarType.Float16, null);

    public static T bfloat16<T>(this T module, bool non_blocking = false)
        where T : torch.nn.Module => Move(module, torch.ScalarType.BFloat16, null);

    private static T Move<T>(T module, torch.ScalarType? type, torch.Device? device)
        where T : torch.nn.Module
    {
        module.MoveTo(type, device);
        return module;
    }
}
