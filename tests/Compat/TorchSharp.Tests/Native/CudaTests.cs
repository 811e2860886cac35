using static TorchSharp.torch;

namespace TorchSharp.Tests.NativeCode;

public sealed class CudaTests
{
    [Fact]
    public void Devices_AreNeverNeeded_AndRefusedWhereThereAreNone()
    {
        Assert.Equal(cuda.is_available(), cuda.device_count() > 0);
        Assert.Equal("cuda:1", device("cuda:1").ToString());
        if (!cuda.is_available()) Assert.Throws<InvalidOperationException>(() => ones(1).cuda());
    }

    [Fact]
    public void Tensors_MoveToTheDeviceAndBack()
    {
        Assert.SkipUnless(cuda.is_available(), "there is no CUDA device");
        using var scope = NewDisposeScope();
        var x = randn(64, 64);
        var there = x.cuda();
        Assert.True(there.is_cuda);
        Assert.True(there.cpu().Equals(x));
        Assert.True(there.matmul(there).cpu().allclose(x.matmul(x), 1e-3, 1e-3));
        using var generator = new Generator(3, CUDA);
        var first = randn(8, device: CUDA, generator: generator);
        generator.manual_seed(3);
        Assert.True(first.Equals(randn(8, device: CUDA, generator: generator)));
        using var net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).to(CUDA);
        net.call(randn(2, 1, 8, 8, device: CUDA)).sum().backward();
        Assert.All(net.parameters(), parameter => Assert.True(parameter.grad!.is_cuda));
        Assert.Equal(1.5f, tensor(1.5f, CUDA).item<float>());
        cuda.synchronize();
    }
}
