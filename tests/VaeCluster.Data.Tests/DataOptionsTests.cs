using System.ComponentModel.DataAnnotations;
using VaeCluster.Data.Images;

namespace VaeCluster.Data.Tests;

public sealed class DataOptionsTests
{
    [Fact]
    public void Validate_Defaults_AreValid() => Assert.Empty(Mistakes(new DataOptions()));

    [Theory]
    [InlineData(CropMode.None, ResizeMode.ShortSide, null, "crop: none")]
    [InlineData(CropMode.None, ResizeMode.Stretch, 148, "crop_size")]
    [InlineData(CropMode.None, ResizeMode.Stretch, null, null)]
    [InlineData(CropMode.Random, ResizeMode.ShortSide, 148, null)]
    public void Validate_CropsThatDoNotGoTogether_AreNamed(CropMode crop, ResizeMode resize, int? cropSize, string? mistake)
    {
        var mistakes = Mistakes(new DataOptions { Crop = crop, Resize = resize, CropSize = cropSize });
        if (mistake is null) Assert.Empty(mistakes);
        else Assert.StartsWith(mistake, Assert.Single(mistakes), StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_SeveralMistakes_AreAllNamed()
    {
        var mistakes = Mistakes(new DataOptions { Size = 1, Threads = -1, BrokenLimit = 2, PrefetchMegabytes = 0, MaxPixels = 0 });
        Assert.Equal(5, mistakes.Count);
    }

    [Fact]
    public void Validate_SourceOfNoKind_NamesTheForms() =>
        Assert.Contains("folder:PATH", Assert.Single(Mistakes(new DataOptions { Source = "photos" })), StringComparison.Ordinal);

    private static List<string> Mistakes(DataOptions options)
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), results, validateAllProperties: true);
        return [.. results.Select(result => result.ErrorMessage!)];
    }
}
