using System.Security.Cryptography;
using System.Text;
using static TorchSharp.torch;

namespace VaeCluster.Torch.Tests.Runtime;

public sealed class WeightsHashTests
{
    [Fact]
    public void Of_TwoTensors_IsTheHashOfNameDtypeShapeAndBytesSortedByName()
    {
        using var b = tensor(new float[] { 1, 2 }).view(2, 1);
        using var a = tensor(new long[] { 7 });
        var bytes = new List<byte>();
        bytes.AddRange(Encoding.UTF8.GetBytes("a int64 [1]\n"));
        bytes.AddRange(BitConverter.GetBytes(7L));
        bytes.AddRange(Encoding.UTF8.GetBytes("b float32 [2,1]\n"));
        bytes.AddRange(BitConverter.GetBytes(1f));
        bytes.AddRange(BitConverter.GetBytes(2f));

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes.ToArray())),
            WeightsHash.Of([new("b", b), new("a", a)]));
    }

    [Fact]
    public void Of_OneBitFlipped_Differs()
    {
        using var before = ones(10);
        using var after = before.clone();
        after.bytes[17] ^= 1;

        Assert.NotEqual(WeightsHash.Of([new("w", before)]), WeightsHash.Of([new("w", after)]));
    }
}
