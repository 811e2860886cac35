using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace TorchSharp.Tests.Tensors;

public sealed class DataTests
{
    [Fact]
    public void Creation_TakesShapeDtypeAndValues()
    {
        Assert.Equal(ScalarType.Float32, zeros(2, 3).dtype);
        Assert.Equal([2, 3], ones(2, 3).shape);
        Assert.Equal(ScalarType.BFloat16, empty([4], bfloat16).dtype);
        Values.AssertEqual([7, 7], full([2], 7f));
        Values.AssertEqual([2, 4, 6], arange(2, 8, 2));
        Assert.Equal(ScalarType.Int64, arange(3).dtype);
        Values.AssertEqual([0, 0.5f, 1], linspace(0, 1, 3));
        Values.AssertEqual([1, 0, 0, 1], eye(2));
        Assert.True(zeros(1, requires_grad: true).requires_grad);
    }

    [Fact]
    public void Arrays_AreCopied_WithTheirType()
    {
        float[] numbers = [1, 2, 3, 4, 5, 6];
        var x = tensor(numbers, [2, 3]);
        numbers[0] = 99;
        Values.AssertEqual([1, 2, 3, 4, 5, 6], x);
        Assert.Equal(ScalarType.Float64, tensor(1.5).dtype);
        Assert.Empty(tensor(1.5).shape);
        Assert.Equal(ScalarType.Bool, tensor(new[] { true, false }).dtype);
        Assert.Equal(ScalarType.Float32, tensor(new[] { 1L, 2L }, float32).dtype);
        Assert.Equal([2, 2], tensor(new[,] { { 1, 2 }, { 3, 4 } }).shape);
        Assert.Equal([1, 2, 3], from_array(new byte[1, 2, 3]).shape);
        Assert.Throws<ArgumentException>(() => tensor(numbers, [4, 2]));
    }

    [Fact]
    public void Bytes_OfAContiguousTensor_AreItsMemory()
    {
        var x = tensor(new float[] { 1, 2 });
        MemoryMarshal.Cast<byte, float>(x.bytes)[1] = 5;
        Values.AssertEqual([1, 5], x);
        x.bytes = new byte[8];
        Values.AssertEqual([0, 0], x);
        Assert.Throws<NotImplementedException>(() => _ = ones(2, 2).t()[0].bytes);
    }

    [Fact]
    public void Data_OfATransposedTensor_ReadsAndWritesInItsOrder()
    {
        var x = tensor(new float[] { 1, 2, 3, 4, 5, 6 }, [2, 3]).t();
        var data = x.data<float>();
        Assert.Equal([1, 4, 2, 5, 3, 6], data.ToArray());
        Assert.Equal(4, data[0, 1]);
        Assert.Equal([1, 4, 2, 5, 3, 6], data.ToList());
        data[2, 0] = 30;
        data.CopyFrom(new float[] { -1, -2 }, 0, 1);
        Values.AssertEqual([1, -1, -2, 5, 30, 6], x.contiguous());
        var part = new float[2];
        data.CopyTo(part, 0, 4);
        Assert.Equal([30, 6], part);
    }

    [Fact]
    public void Data_OfAnotherType_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => ones(2).data<double>());
        Assert.Throws<ArgumentException>(() => ones(1).item<int>());
        Assert.Throws<ArgumentException>(() => ones(2).item<float>());
    }

    [Fact]
    public void Conversions_ChangeTypeAndValue()
    {
        Values.AssertEqual([1, -2], tensor(new[] { 1.7, -2.2 }).@int());
        Assert.Equal(ScalarType.Float16, ones(1).half().dtype);
        Assert.Equal(1.5f, tensor(1.5).ToSingle());
        Assert.Equal(3, (int)tensor(3L));
        Assert.Equal(1.0078125f, tensor(1.005f).bfloat16().to(float32).item<float>());
        var x = ones(2);
        using (var same = x.to(float32)) Assert.NotSame(x, same);
        Assert.Equal("[2], type = Float32, device = cpu", x.ToString());
        Assert.Throws<ArgumentException>(() => device("gpu"));
    }

    [Fact]
    public void Set_OnAParameter_MakesItAViewOfAnotherStorage()
    {
        var flat = zeros(10);
        var weight = nn.Parameter(ones(2, 3));
        using (no_grad())
        {
            weight.set_(flat.narrow(0, 2, 6).view(2, 3));
            weight.add_(1);
        }
        Assert.True(weight.requires_grad && weight.is_leaf);
        Values.AssertEqual([0, 0, 1, 1, 1, 1, 1, 1, 0, 0], flat);
        var grads = zeros(10);
        weight.grad = grads.narrow(0, 2, 6).view(2, 3);
        (weight * 3).sum().backward();
        Values.AssertEqual([0, 0, 3, 3, 3, 3, 3, 3, 0, 0], grads);
    }
}
