using System.Security.Cryptography;
using System.Text;
using static TorchSharp.torch;

namespace VaeCluster.Torch;

/// <summary>
/// SHA-256 over named tensors, sorted by name (ordinal): name, dtype and shape as UTF-8 text ended by a line feed, then the
/// elements in little-endian bytes. <c>weights_sha256</c> is this over a model's parameters and buffers.
/// </summary>
public static class WeightsHash
{
    public static string Of(nn.Module module) => Of(module.state_dict());

    public static string Of(IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, tensor) in tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            using var _ = NewDisposeScope();
            using var __ = no_grad();
            var plain = tensor.detach().cpu().contiguous();
            hash.AppendData(Encoding.UTF8.GetBytes($"{name} {plain.dtype.ToString().ToLowerInvariant()} [{string.Join(",", plain.shape)}]\n"));
            hash.AppendData(plain.bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
