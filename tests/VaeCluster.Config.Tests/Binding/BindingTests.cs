namespace VaeCluster.Config.Tests.Binding;

public sealed class BindingTests
{
    [Fact]
    public void Load_EveryType_Binds()
    {
        var root = Sample.Load("""
            train: {batch: 64, steps: 60, rate: 1e-4, exact: false, lease: 5m, micro_batch: 8}
            net:
              name: "a: b"
              kind: two_words
              size: 0032
              widths: [1, 2, 3]
              stages:
                - {width: 3, label: first}
                - width: 4
            """);

        Assert.Equal(64, root.Train.Batch);
        Assert.Equal(60, root.Train.Steps);
        Assert.Equal(1e-4, root.Train.Rate);
        Assert.False(root.Train.Exact);
        Assert.Equal(TimeSpan.FromMinutes(5), root.Train.Lease);
        Assert.Equal(8, root.Train.MicroBatch);
        Assert.Equal("a: b", root.Net.Name);
        Assert.Equal(SampleKind.TwoWords, root.Net.Kind);
        Assert.Equal(32, root.Net.Size);
        Assert.Equal([1, 2, 3], root.Net.Widths);
        Assert.Equal([(3, "first"), (4, "")], root.Net.Stages.Select(stage => (stage.Width, stage.Label)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing but a comment\n")]
    [InlineData("train:\nnet:\n")]
    public void Load_NothingWritten_KeepsDefaults(string yaml) => Assert.Equal(128, Sample.Load(yaml).Train.Batch);

    [Fact]
    public void Load_Null_ClearsWhatMayBeEmpty()
    {
        var root = Sample.Load("net: {note: null}\ntrain: {micro_batch: ~}", below: "net: {note: below}\ntrain: {micro_batch: 4}");
        Assert.Null(root.Net.Note);
        Assert.Null(root.Train.MicroBatch);
    }

    [Fact]
    public void Load_QuotedNull_IsText() => Assert.Equal("null", Sample.Load("net: {name: 'null'}").Net.Name);

    [Fact]
    public void Load_Layers_HigherWins()
    {
        var root = Sample.Load(
            "train: {batch: 2, rate: 0.2}\nnet: {size: 16}",
            ["train.rate=0.4"],
            new() { ["VAECLUSTER__TRAIN__RATE"] = "0.3", ["VAECLUSTER__NET__SIZE"] = "64", ["VAECLUSTER_TOKEN"] = "not ours", ["PATH"] = "/bin" },
            below: "train: {batch: 1, micro_batch: 1}\nnet: {widths: [9]}");

        Assert.Equal((2, 1, 0.4, 64), (root.Train.Batch, root.Train.MicroBatch!.Value, root.Train.Rate, root.Net.Size));
        Assert.Equal([9], root.Net.Widths);
    }

    [Fact]
    public void Load_Alternative_TakesTheOtherAwayFromBelow()
    {
        var root = Sample.Load("train: {steps: 60}", below: "train: {epochs: 20}");
        Assert.Equal((60, null), (root.Train.Steps, root.Train.Epochs));
        root = Sample.Load("train: {steps: 60}", ["train.epochs=2"], below: "train: {epochs: 20}");
        Assert.Equal((null, 2), (root.Train.Steps, root.Train.Epochs));
    }

    [Fact]
    public void Load_SwitchValues_TakeListsMapsQuotesAndPlainText()
    {
        var root = Sample.Load("", ["net.widths=[7, 8]", "net={size: 99, note: x}", "net.name=tar:/a b # c: d", "train.batch='12'", "train.batch=13"]);
        Assert.Equal([7, 8], root.Net.Widths);
        Assert.Equal((99, "x", "tar:/a b # c: d", 13), (root.Net.Size, root.Net.Note, root.Net.Name, root.Train.Batch));
    }

    [Theory]
    [InlineData("250ms", 0.25)]
    [InlineData("1.5s", 1.5)]
    [InlineData("2h", 7200)]
    [InlineData("1d", 86400)]
    [InlineData("0s", 0)]
    public void Load_Time_WithUnit(string text, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Sample.Load($"train: {{lease: {text}}}").Train.Lease);
}
