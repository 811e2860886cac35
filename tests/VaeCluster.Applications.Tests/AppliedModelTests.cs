using TorchSharp;
using VaeCluster.Models;

namespace VaeCluster.Applications.Tests;

public sealed class AppliedModelTests(TinyModel models) : IClassFixture<TinyModel>
{
    [Fact]
    public void EncodeAndDecode_ExportedFile_HaveTheModelsShapesAndRange()
    {
        using var model = TinyModel.Open(models.Digits);
        using var scope = torch.NewDisposeScope();
        using var inputs = model.Images([models.Image("one.png", seed: 1), models.Image("two.png", seed: 2)]);
        var images = model.ToTensor(inputs.ReadAll(TestContext.Current.CancellationToken));
        Assert.Equal([2, 1, 28, 28], images.shape);
        var (mean, logVariance) = model.Encode(images);
        Assert.Equal(model.LatentShape.Batch(2), mean.shape);
        Assert.Equal(mean.shape, logVariance!.shape);
        var decoded = model.Decode(mean);
        Assert.Equal(images.shape, decoded.shape);
        Assert.InRange(decoded.min().item<float>(), 0, 1); // logits would not be
        Assert.False(decoded.requires_grad);
        Assert.Equal(28 * 28, model.ToPictures(decoded)[1].Pixels.Length);
    }

    [Fact]
    public void ToPictures_OfWhatWasRead_GivesTheBytesOfTheFile()
    {
        using var model = TinyModel.Open(models.Colour);
        var path = models.Image("colours.png", 16, 16, 3);
        using var inputs = model.Images([path]);
        using var images = model.ToTensor(inputs.ReadAll(TestContext.Current.CancellationToken));
        models.Image("colours-again.png", 16, 16, 3);
        model.ToPictures(images)[0].Save(models.In("colours-again.png"));
        Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(models.In("colours-again.png")));
    }

    [Fact]
    public void Open_AnotherSize_TakesItWhereTheModelCan()
    {
        using (var model = AppliedModel.Open(new() { Place = models.Colour, Device = "cpu", ImageSize = 32 }))
            Assert.Equal(new SampleShape(3, 32, 32), model.InputShape);
        var error = Assert.Throws<UserErrorException>(() => AppliedModel.Open(new() { Place = models.Digits, ImageSize = 32 }));
        Assert.Contains("must be 28 for mnist", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WhatIsNoModel_SaysSo()
    {
        Assert.Contains("there is no such folder", Mistake(models.In("nowhere")), StringComparison.Ordinal);
        Directory.CreateDirectory(models.In("empty"));
        Assert.Contains("there is no checkpoint", Mistake(models.In("empty")), StringComparison.Ordinal);
        Assert.Contains("safetensors", Mistake(models.Image("picture.png")), StringComparison.Ordinal);
        Assert.Contains("no device", Assert.Throws<UserErrorException>(() => AppliedModel.Open(new() { Place = models.Digits, Device = "tpu" })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OutputFolder_IsThereAsAWholeOrNotAtAll()
    {
        var path = models.In("out");
        using (var folder = OutputFolder.Create(path)) File.WriteAllText(folder.In("a/b.txt"), "half");
        Assert.Empty(Directory.EnumerateFileSystemEntries(models.Root, "out*"));
        using (var folder = OutputFolder.Create(path))
        {
            File.WriteAllText(folder.In("a/b.txt"), "whole");
            folder.Complete();
        }
        Assert.Equal([path], Directory.EnumerateFileSystemEntries(models.Root, "out*"));
        Assert.Contains("is there already", Assert.Throws<UserErrorException>(() => OutputFolder.Create(path)).Message, StringComparison.Ordinal);
        Assert.Equal("whole", File.ReadAllText(Path.Combine(path, "a/b.txt")));
    }

    private static string Mistake(string place) => Assert.Throws<UserErrorException>(() => AppliedModel.Open(new() { Place = place })).Message;
}
