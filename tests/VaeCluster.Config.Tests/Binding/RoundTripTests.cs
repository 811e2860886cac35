using System.Globalization;
using VaeCluster.Config.Binding;

namespace VaeCluster.Config.Tests.Binding;

public sealed class RoundTripTests
{
    [Fact]
    public void ToYaml_EveryKind_BindsToTheSame()
    {
        var root = Sample.Load("""
            train: {rate: 0.1, narrow: 0.3, steps: 9007199254740993, lease: 90s}
            net: {note: "", widths: [], kind: bf16, stages: [{width: 2, label: "x: y"}, {width: 3}]}
            """.Replace("widths: [], ", "", StringComparison.Ordinal));
        var yaml = OptionsText.ToYaml(root);

        var again = Sample.Load(yaml, below: "train: {micro_batch: 3, epochs: 4}\nnet: {stages: [{width: 9}]}");

        Assert.Equal(yaml, OptionsText.ToYaml(again));
        Assert.Equal(OptionsText.Flatten(root), OptionsText.Flatten(again));
        Assert.Null(again.Train.MicroBatch);
        Assert.Equal(9007199254740993, again.Train.Steps);
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(1e-5)]
    [InlineData(1.0 / 3)]
    [InlineData(5e-324)]
    [InlineData(1.7976931348623157e308)]
    [InlineData(123456789012345680.0)]
    [InlineData(-0.0)]
    public void Format_Double_IsExactAndANumberForEveryReader(double value)
    {
        var text = ScalarText.Format(value);
        Assert.Equal(BitConverter.DoubleToInt64Bits(value), BitConverter.DoubleToInt64Bits((double)ScalarText.Parse(typeof(double), text, out _)!));
        Assert.True(!text.Contains('e') || text.Contains('.'), text);
    }

    [Fact]
    public void Format_RandomFloats_AreExact()
    {
        var random = new Random(7);
        for (var i = 0; i < 10_000; i++)
        {
            var value = BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue));
            if (!float.IsFinite(value)) continue;
            Assert.Equal(value, ScalarText.Parse(typeof(float), ScalarText.Format(value), out _));
        }
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("true")]
    [InlineData("No")]
    [InlineData("12")]
    [InlineData("1e3")]
    [InlineData("a: b")]
    [InlineData("a #b")]
    [InlineData(" spaces ")]
    [InlineData("quote\" back\\slash")]
    [InlineData("line\nbreak\ttab\u0007\u2028")]
    [InlineData("*star &anchor !tag [x] {y}")]
    [InlineData("idx:/data/mnist")]
    [InlineData("größe \U0001F600")]
    public void ToYaml_AnyText_ComesBack(string text)
    {
        var root = new SampleRoot { Net = { Name = text } };
        Assert.Equal(text, Sample.Load(OptionsText.ToYaml(root)).Net.Name);
    }

    [Fact]
    public void Load_AnotherCulture_ReadsAndWritesTheSame()
    {
        var before = CultureInfo.CurrentCulture;
        var german = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        german.NumberFormat.NumberDecimalSeparator = ",";
        german.NumberFormat.NumberGroupSeparator = ".";
        try
        {
            CultureInfo.CurrentCulture = german;
            Assert.Equal(1.5, Sample.Load("train: {rate: 1.5}").Train.Rate);
            Assert.Contains("rate: 1.5\n", OptionsText.ToYaml(Sample.Load("train: {rate: 1.5}")), StringComparison.Ordinal);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
