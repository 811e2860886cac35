using VaeCluster.Applications.Latents;
using static TorchSharp.torch;

namespace VaeCluster.Applications.Tests.Latents;

public sealed class EncodeAndDecodeTests(TinyModel models) : IClassFixture<TinyModel>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void EncodeThenDecode_IsTheReconstructionFromTheMean_BitForBit()
    {
        using var model = TinyModel.Open(models.Digits);
        var file = Encode(model, Folder("whole", 23), "whole.safetensors", batch: 5);

        using var latents = LatentFile.Open(file);
        using var output = OutputFolder.Create(models.In("decoded"));
        LatentDecoding.Run(model, latents, output, null, tiled: false, new Nowhere(), Token);
        output.Complete();

        using var images = model.Images([models.In("whole")]);
        Assert.Equal(23, latents.Count);
        foreach (var read in images.Batches(5, Token))
        {
            using var scope = NewDisposeScope();
            var pictures = model.ToPictures(model.Decode(model.Encode(model.ToTensor(read)).Mean));
            foreach (var (i, image) in read.Images.Index())
            {
                pictures[i].Save(models.In("expected.png"));
                Assert.Equal(File.ReadAllBytes(models.In("expected.png")), File.ReadAllBytes(Path.Combine(models.In("decoded"), image.PathWith($"-{image.Index + 1:D6}.png"))));
                Assert.Equal(image, latents.Images[(int)image.Index]);
            }
        }
    }

    [Fact]
    public void Encode_InSharesAndBrokenOff_GivesTheSameBytes()
    {
        using var model = TinyModel.Open(models.Digits);
        var whole = Encode(model, Folder("shares", 30), "a.safetensors", batch: 2);
        using var images = model.Images([models.In("shares")]);
        var file = models.In("b.safetensors");
        Job().ComputeMissing(EncodeShare.Parse("2/3"), new Nowhere(), Token);
        var left = Directory.GetFiles(file + ".parts", "part-*");
        File.Delete(left[0]); // as if killed before it was whole
        File.WriteAllText(Path.Combine(file + ".parts", "part-000000.safetensors.1.tmp"), "half");
        Assert.False(File.Exists(file));

        var job = Job();
        job.ComputeMissing(null, new Nowhere(), Token);
        Assert.Equal(30, job.Join(Token));

        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(file));
        Assert.Equal(File.ReadAllText(models.In("a.index.csv")), File.ReadAllText(models.In("b.index.csv")));
        Assert.False(Directory.Exists(file + ".parts"));

        EncodeJob Job()
        {
            var begun = new EncodeJob(model, models.Digits, images, file, batch: 2);
            begun.Begin();
            return begun;
        }
    }

    [Fact]
    public void Begin_PartsOfSomethingElse_AreLeftAlone()
    {
        using var model = TinyModel.Open(models.Digits);
        using var images = model.Images([Folder("other", 4)]);
        var file = models.In("other.safetensors");
        new EncodeJob(model, models.Digits, images, file, batch: 2).Begin();
        Assert.Contains("another batch", Assert.Throws<UserErrorException>(() => new EncodeJob(model, models.Digits, images, file, batch: 3).Begin()).Message, StringComparison.Ordinal);
        Assert.Contains("is there already", Assert.Throws<UserErrorException>(() => new EncodeJob(model, "", images, models.Digits, 1)).Message, StringComparison.Ordinal);
        Assert.Contains("must end with .safetensors", Assert.Throws<UserErrorException>(() => new EncodeJob(model, "", images, models.In("x.npy"), 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_Tiled_EqualsUntiledButForTheLastDigits()
    {
        using var model = TinyModel.Open(models.Colour);
        var file = Encode(model, Folder("tiles", 3), "tiles.safetensors", batch: 2);
        using var latents = LatentFile.Open(file);
        foreach (var tiled in (bool[])[false, true])
        {
            using var output = OutputFolder.Create(models.In($"tiled-{tiled}"));
            LatentDecoding.Run(model, latents, output, null, tiled, new Nowhere(), Token);
            output.Complete();
        }
        using var plain = model.Images([models.In("tiled-False")]);
        using var tiles = model.Images([models.In("tiled-True")]);
        var differences = plain.ReadAll(Token).Pixels.Zip(tiles.ReadAll(Token).Pixels, (a, b) => Math.Abs(a - b));
        Assert.True(differences.Max() <= 2 / 255f + 1e-6f); // a level, where the last digit turned the rounding
        Assert.Equal(3, Directory.GetFileSystemEntries(models.In("tiled-True")).Length); // the tiles' files are gone
    }

    [Fact]
    public void Decode_AnotherModel_IsRefused()
    {
        using var model = TinyModel.Open(models.Digits);
        using var other = TinyModel.Open(models.Colour);
        using var latents = LatentFile.Open(Encode(model, Folder("mixed", 2), "mixed.safetensors", batch: 2));
        using var output = OutputFolder.Create(models.In("mixed-out"));
        Assert.Contains("The latents are 32x1x1", Assert.Throws<UserErrorException>(() => LatentDecoding.Run(other, latents, output, null, false, new Nowhere(), Token)).Message, StringComparison.Ordinal);
        Assert.Contains("need no tiles", Assert.Throws<UserErrorException>(() => LatentDecoding.Run(model, latents, output, null, true, new Nowhere(), Token)).Message, StringComparison.Ordinal);
        Assert.Contains("other weights", Assert.Throws<UserErrorException>(() => latents.ThrowIfAnother(other)).Message, StringComparison.Ordinal);
        Assert.Contains("has no tensor `mean`", Assert.Throws<UserErrorException>(() => LatentFile.Open(models.Digits)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0/2")]
    [InlineData("3/2")]
    [InlineData("1")]
    [InlineData("a/b")]
    public void Share_Malformed_IsRefused(string text) => Assert.Throws<UserErrorException>(() => EncodeShare.Parse(text));

    private string Encode(AppliedModel model, string folder, string name, int batch)
    {
        using var images = model.Images([folder]);
        var job = new EncodeJob(model, models.Digits, images, models.In(name), batch);
        job.Begin();
        job.ComputeMissing(null, new Nowhere(), Token);
        job.Join(Token);
        return models.In(name);
    }

    private string Folder(string name, int count)
    {
        Directory.CreateDirectory(models.In(name));
        for (var i = 0; i < count; i++) models.Image($"{name}/{i:D2}, \"x\".png", seed: i);
        return models.In(name);
    }
}
