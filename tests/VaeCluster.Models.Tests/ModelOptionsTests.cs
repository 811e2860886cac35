using System.ComponentModel.DataAnnotations;
using VaeCluster.Models.Presets;

namespace VaeCluster.Models.Tests;

public class ModelOptionsTests
{
    [Fact]
    public void Validate_OfEveryPreset_FindsNothing()
    {
        foreach (var preset in Preset.All) Assert.Empty(Mistakes(preset.Name, _ => { }));
    }

    [Fact]
    public void Of_APreset_NamesIt()
    {
        foreach (var preset in Preset.All) Assert.Equal(preset.Name, ModelOptions.Of(preset.Name).Preset);
    }

    [Fact]
    public void Validate_UnknownPreset_ListsThoseThereAre()
    {
        var mistake = Assert.Single(Mistakes("mnist", options => options.Preset = "mnits"));

        Assert.Contains("conv64", mistake);
    }

    [Fact]
    public void Create_UnknownPreset_IsAUserError() =>
        Assert.Contains("mnits", Assert.Throws<UserErrorException>(() => ImageAutoencoder.Create(new ModelOptions { Preset = "mnits" })).Message);

    [Theory]
    [InlineData("mnist", 32, "must be 28")]
    [InlineData("conv64", 48, "multiple of 32")]
    [InlineData("sd-small", 100, "multiple of 8")]
    [InlineData("sd", 100, "multiple of 8")]
    [InlineData("tiny", 27, "multiple of 2")]
    public void Validate_ImageSizeThatDoesNotFit_SaysWhichDo(string preset, int size, string rule) =>
        Assert.Contains(rule, Assert.Single(Mistakes(preset, options => options.ImageSize = size)));

    [Fact]
    public void Validate_WidthThatGroupsDoNotDivide_NamesIt() =>
        Assert.Contains("48", Assert.Single(Mistakes("tiny", options => options.Widths = [32, 48])));

    [Fact]
    public void Validate_HeadsThatDoNotDivideTheWidth_SaysSo() =>
        Assert.Contains("64", Assert.Single(Mistakes("tiny", options => options.Heads = 3)));

    [Fact]
    public void Validate_UnevenDecoder_SaysHowMany() =>
        Assert.Contains("5", Assert.Single(Mistakes("conv64", options => options.DecoderWidths = [64, 32])));

    [Theory]
    [InlineData("tiny")]
    [InlineData("mnist")]
    public void Validate_SkipScaleElsewhere_IsRefused(string preset) =>
        Assert.Contains("sd-small", Assert.Single(Mistakes(preset, options => options.SkipScale = true)));

    [Fact]
    public void Validate_NoWidths_IsOneMistake() => Assert.Single(Mistakes("tiny", options => options.Widths = []));

    [Fact]
    public void Defaults_OfEveryPreset_HoldEverySectionOnce()
    {
        foreach (var preset in Preset.All)
        {
            var sections = preset.Defaults.Split('\n').Where(line => line.Length > 0 && line[0] != ' ').Select(line => line.Split(':')[0]);

            Assert.Equal(["model", "objective", "optimizer", "train"], sections.Where(section => section != "data"));
            Assert.Contains($"\n  preset: {preset.Name}\n", preset.Defaults);
        }
    }

    private static List<string> Mistakes(string preset, Action<ModelOptions> change)
    {
        var options = ModelOptions.Of(preset);
        change(options);
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), results, validateAllProperties: true);
        return [.. results.Select(result => result.ErrorMessage!)];
    }
}
