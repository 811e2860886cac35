using TorchSharp;

namespace VaeCluster.Torch;

/// <summary>The devices that a command line names: cpu, cuda:N, or auto, the first GPU where there is one.</summary>
public static class DeviceName
{
    /// <exception cref="UserErrorException">It is no device, or not there.</exception>
    public static torch.Device Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text == "cpu" || (text == "auto" && !torch.cuda.is_available())) return torch.CPU;
        var index = 0;
        if (text != "auto" && !(text.StartsWith("cuda", StringComparison.Ordinal) && (text == "cuda" || (text[4] == ':' && int.TryParse(text[5..], out index)))))
            throw new UserErrorException($"--device: {text} is no device. Write cpu, cuda:N or auto.");
        if (index < 0 || index >= torch.cuda.device_count())
            throw new UserErrorException($"--device: {text} is not there: libtorch sees {torch.cuda.device_count()} GPUs. Write cpu, another number, or auto.");
        return torch.device(DeviceType.CUDA, index);
    }
}
