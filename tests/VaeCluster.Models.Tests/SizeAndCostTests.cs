namespace VaeCluster.Models.Tests;

/// <summary>Parameters, shapes and FLOPs against published figures.</summary>
[Collection(OneThread.Name)]
public class SizeAndCostTests
{
    [Theory]
    [InlineData("mnist", 715_537)]
    [InlineData("conv64", 3_937_635)]
    [InlineData("sd-small", 3_477_259)]
    [InlineData("sd", 83_653_863)]
    [InlineData("tiny", 658_375)]
    public void ParameterCount_OfPreset_IsAsPublished(string preset, long count)
    {
        using var model = ImageAutoencoder.Create(ModelOptions.Of(preset));

        Assert.Equal(count, model.ParameterCount);
    }

    [Fact]
    public void ParameterCount_OfSdSmallWithSkipScales_IsAsPublished()
    {
        var options = ModelOptions.Of("sd-small");
        options.SkipScale = true;

        using var model = ImageAutoencoder.Create(options);

        Assert.Equal(3_477_278, model.ParameterCount);
    }

    [Fact]
    public void WideConv64_FromOptionsAlone_IsAsPublished()
    {
        using var model = ImageAutoencoder.Create(WideConv64());

        Assert.Equal(3_225_795, model.ParameterCount);
        Assert.Equal(3.36, model.ForwardFlops / 1e9, 0.005);
    }

    [Theory]
    [InlineData("mnist", 0.016, 0.0005)]
    [InlineData("conv64", 0.105, 0.0005)]
    public void ForwardFlops_OfPreset_IsAsMeasured(string preset, double gigaFlops, double tolerance)
    {
        using var model = ImageAutoencoder.Create(ModelOptions.Of(preset));

        Assert.Equal(gigaFlops, model.ForwardFlops / 1e9, tolerance);
    }

    [Theory]
    [InlineData("mnist", 32, 1, 1)]
    [InlineData("conv64", 128, 1, 1)]
    [InlineData("sd-small", 4, 32, 32)]
    [InlineData("sd", 4, 32, 32)]
    [InlineData("tiny", 4, 16, 16)]
    public void LatentShape_OfPreset_IsWhatTheModelGives(string preset, long channels, long height, long width)
    {
        using var model = ImageAutoencoder.Create(ModelOptions.Of(preset));

        Assert.Equal(new SampleShape(channels, height, width), model.LatentShape);
    }

    [Theory]
    [InlineData("mnist", 28)]
    [InlineData("conv64", 32)]
    [InlineData("sd-small", 24)]
    [InlineData("tiny", 10)]
    public void EncodeAndDecode_OfABatch_HaveTheShapesThatTheModelNames(string preset, int size)
    {
        var options = ModelOptions.Of(preset);
        options.ImageSize = size;
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var model = ImageAutoencoder.Create(options);

        var (mean, logVariance) = model.Encode(TorchSharp.torch.rand(model.InputShape.Batch(3)));
        var decoded = model.Decode(mean);

        Assert.Equal(model.LatentShape.Batch(3), mean.shape);
        Assert.Equal(model.LatentShape.Batch(3), logVariance!.shape);
        Assert.Equal(model.InputShape.Batch(3), decoded.shape);
    }

    private static ModelOptions WideConv64()
    {
        var options = ModelOptions.Of("conv64");
        options.Widths = [512, 256, 128, 64, 32];
        options.DecoderWidths = [32, 64, 128, 256, 512];
        return options;
    }
}
