namespace VaeCluster.Config.Tests.Binding;

/// <summary>Each kind of mistake, with its line, key, value and rule.</summary>
public sealed class MistakeTests
{
    [Theory]
    // Keys.
    [InlineData("train:\n  bacth: 4", "run.yaml:2: train.bacth: unknown key; did you mean train.batch?")]
    [InlineData("train:\n  microBatch: 4", "run.yaml:2: train.microBatch: unknown key; did you mean train.micro_batch?")]
    [InlineData("train: {widths: [1]}", "run.yaml:1: train.widths: unknown key; did you mean net.widths?")]
    [InlineData("trian: {}", "run.yaml:1: trian: unknown key; did you mean train?")]
    [InlineData("zzzzzz: 1", "run.yaml:1: zzzzzz: unknown key; known here: train, net")]
    [InlineData("net: {stages: [{wdith: 3}]}", "run.yaml:1: net.stages[0].wdith: unknown key; did you mean")]
    [InlineData("train:\n  batch: 4\n  rate: 1\n  batch: 5", "run.yaml:4: batch: given twice, first at run.yaml:2")]
    [InlineData("train: {[1]: 2}", "run.yaml:1: [1]: a key must be a name")]
    // Types.
    [InlineData("train: {batch: many}", "run.yaml:1: train.batch = many: must be a whole number")]
    [InlineData("train: {batch: 1.5}", "run.yaml:1: train.batch = 1.5: must be a whole number")]
    [InlineData("train: {batch: 99999999999}", "must be a whole number between -2147483648 and 2147483647")]
    [InlineData("train: {steps: 99999999999999999999}", "must be a whole number between -9223372036854775808 and")]
    [InlineData("train: {batch: [1]}", "run.yaml:1: train.batch = [1]: must be a single value")]
    [InlineData("train: {batch: {a: 1}}", "run.yaml:1: train.batch = a section: must be a single value")]
    [InlineData("train: {rate: fast}", "run.yaml:1: train.rate = fast: must be a number")]
    [InlineData("train: {rate: 1,5}", "unknown key")]
    [InlineData("train: {rate: .nan}", "run.yaml:1: train.rate = .nan: must be a finite number")]
    [InlineData("train: {rate: NaN}", "must be a finite number")]
    [InlineData("train: {rate: -.inf}", "must be a finite number")]
    [InlineData("train: {rate: 1e999}", "must be a finite number")]
    [InlineData("train: {narrow: 1e39}", "must be a finite number")]
    [InlineData("train: {exact: yes}", "run.yaml:1: train.exact = yes: must be true or false")]
    [InlineData("train: {lease: 30}", "run.yaml:1: train.lease = 30: must be a time with its unit")]
    [InlineData("train: {lease: 9999999999d}", "must be a time with its unit")]
    [InlineData("net: {kind: two_wrods}", "must be one of plain, two_words, bf16; did you mean two_words?")]
    [InlineData("net: {kind: 1}", "must be one of plain, two_words, bf16")]
    [InlineData("net: {widths: 32}", "run.yaml:1: net.widths = 32: must be a list, like [32, 64]")]
    [InlineData("net: {widths: [1, x]}", "run.yaml:1: net.widths[1] = x: must be a whole number")]
    [InlineData("net: {stages: [4]}", "run.yaml:1: net.stages[0] = 4: must be a section")]
    [InlineData("train: 5", "run.yaml:1: train = 5: must be a section with keys: batch, steps,")]
    [InlineData("train: {batch: }", "run.yaml:1: train.batch: needs a value; leave the key out for its default")]
    [InlineData("net: {name: null}", "net.name: needs a value")]
    // Rules.
    [InlineData("train: {batch: 0}", "run.yaml:1: train.batch = 0: must be between 1 and 1024")]
    [InlineData("train: {rate: 0}", "run.yaml:1: train.rate = 0: must be greater than 0 and at most 10")]
    [InlineData("train: {micro_batch: 0}", "train.micro_batch = 0: must be at least 1")]
    [InlineData("net: {widths: []}", "run.yaml:1: net.widths: must have at least 1")]
    [InlineData("net: {stages: [{width: 1}, {width: 100}]}", "net.stages[1].width = 100: must be between 1 and 99")]
    [InlineData("train:\n  micro_batch: 200", "run.yaml:2: train.micro_batch = 200: must be at most the batch")]
    [InlineData("train: {}\nnet:\n  size: 1024", "run.yaml:3: net.size = 1024: too large for this batch")]
    // YAML.
    [InlineData("train: {batch: 1", "not valid YAML")]
    [InlineData("train:\n\tbatch: 1", "run.yaml:2: not valid YAML")]
    [InlineData("- a\n- b", "must be a map of sections")]
    [InlineData("just text", "must be a map of sections")]
    [InlineData("train: &a {batch: 1}\nnet: *a", "anchors (&name) and tags (!name) are not taken")]
    [InlineData("train: {batch: !!int 4}", "anchors (&name) and tags (!name) are not taken")]
    [InlineData("train: {batch: 4}\n---\nnet: {}", "a second YAML document")]
    public void Load_OneMistake_IsNamed(string yaml, string expected) =>
        Assert.Contains(Sample.Errors(yaml), line => line.Contains(expected, StringComparison.Ordinal));

    [Fact]
    public void Load_ManyMistakes_AllInOrderOfLines()
    {
        var errors = Sample.Errors("""
            net:
              kind: round
              size: 7
            train:
              rate: 0
              bacth: 3
              batch: 0
              micro_batch: -1
            """, ["train.lease=30", "nonsense"], new() { ["VAECLUSTER__NET__SIEZ"] = "3" });

        Assert.Equal(
        [
            "--set nonsense: must be key.path=value, like train.batch=64",
            "run.yaml:2: net.kind = round: must be one of plain, two_words, bf16",
            "run.yaml:3: net.size = 7: must be between 8 and 4096",
            "run.yaml:5: train.rate = 0: must be greater than 0 and at most 10",
            "run.yaml:6: train.bacth: unknown key; did you mean train.batch?",
            "run.yaml:7: train.batch = 0: must be between 1 and 1024",
            "run.yaml:8: train.micro_batch = -1: must be at least 1",
            "VAECLUSTER__NET__SIEZ: net.siez: unknown key; did you mean net.size?",
            "--set train.lease=30: train.lease = 30: must be a time with its unit: 500ms, 30s, 5m, 2h or 1d",
        ], errors);
    }

    [Fact]
    public void Load_WrongField_IsNotBlamedTwice()
    {
        // micro_batch is above the batch as well, but the batch that it is above is not the user's.
        Assert.Equal(["run.yaml:1: train.batch = 0: must be between 1 and 1024"], Sample.Errors("train: {batch: 0, micro_batch: 100}"));
    }

    [Theory]
    [InlineData("=5", "must be key.path=value")]
    [InlineData("train..batch=5", "names no key")]
    [InlineData("train.batch=[1", "not valid YAML")]
    [InlineData("train=5", "must be a section")]
    [InlineData("train.batch.more=5", "train.batch = a section: must be a single value")]
    public void Load_BadSwitch_IsNamed(string text, string expected)
    {
        var line = Assert.Single(Sample.Errors("", [text]), line => line.Contains(expected, StringComparison.Ordinal));
        Assert.StartsWith($"--set {text}: ", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_ForeignText_IsShortenedAndCleaned()
    {
        var line = Assert.Single(Sample.Errors($"train: {{batch: \"a\\e[31m\\n{new string('x', 5000)}\"}}"));
        Assert.True(line.Length < 200, line);
        Assert.DoesNotContain('\u001b', line);
    }

    [Fact]
    public void Load_DeepOrHuge_IsRefused()
    {
        Assert.Contains("nested too deeply", Sample.Errors(new string('[', 5000))[0], StringComparison.Ordinal);
        Assert.Contains("not a configuration", Sample.Errors(new string('a', 2_000_000))[0], StringComparison.Ordinal);
    }
}
