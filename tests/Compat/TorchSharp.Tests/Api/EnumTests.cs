using static TorchSharp.torch;

namespace TorchSharp.Tests.Api;

/// <summary>Numbers that listings do not show: c10's, and those that the official defaults refer to.</summary>
public sealed class EnumTests
{
    [Theory]
    [InlineData(ScalarType.Byte, 0)]
    [InlineData(ScalarType.Int8, 1)]
    [InlineData(ScalarType.Int16, 2)]
    [InlineData(ScalarType.Int32, 3)]
    [InlineData(ScalarType.Int64, 4)]
    [InlineData(ScalarType.Float16, 5)]
    [InlineData(ScalarType.Float32, 6)]
    [InlineData(ScalarType.Float64, 7)]
    [InlineData(ScalarType.ComplexFloat32, 9)]
    [InlineData(ScalarType.ComplexFloat64, 10)]
    [InlineData(ScalarType.Bool, 11)]
    [InlineData(ScalarType.BFloat16, 15)]
    public void ScalarTypes_HaveC10sNumbers(ScalarType type, int number)
    {
        Assert.Equal(number, (int)type);
        if (type is ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64) return;
        using var tensor = zeros(1, type);
        Assert.Equal(type, tensor.dtype);
        Assert.Equal(type.ElementSize(), tensor.ElementSize);
    }

    [Fact]
    public void OtherEnums_HaveTheNumbersOfTheOfficialDefaults()
    {
        Assert.Equal((0, 1), ((int)DeviceType.CPU, (int)DeviceType.CUDA));
        Assert.Equal((0, 1, 2), ((int)nn.Reduction.None, (int)nn.Reduction.Mean, (int)nn.Reduction.Sum));
        Assert.Equal((0, 4), ((int)PaddingModes.Zeros, (int)PaddingModes.Constant));
        Assert.Equal(10, (int)nn.init.NonlinearityType.LeakyReLU);
    }
}
