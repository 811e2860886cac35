using VaeCluster.Worker.Profiling;

namespace VaeCluster.Worker.Tests.Profiling;

public sealed class AdviceTests
{
    private static readonly StepProfile Busy = new(10, Step: 0.1, Data: 0, Forward: 0.03, Backward: 0.06, Update: 0.005, ImagesPerSecond: 640, FlopsPerSecond: 1e9);
    private static readonly Profile Full = new(Busy, [], PeakFlopsPerSecond: 4e9, ModelBytes: 1, ProcessBytes: 2, Cores: 2, Threads: 2, Slots: 8);

    [Fact]
    public void Of_AMachineThatIsFull_SaysSo()
    {
        var advice = Advice.Of(Full with { Probes = [new("train.slots=4", 1.04), new("train.slots=16", 0.7)] });
        Assert.Equal("Nothing of what was tried makes it faster by 5 %.", Assert.Single(advice));
    }

    [Fact]
    public void Of_IdleCores_NamesWorkersNoMoreThanSlots()
    {
        Assert.Contains("--workers 8`", Assert.Single(Advice.Of(Full with { Cores = 16 })), StringComparison.Ordinal);
        Assert.Contains("--workers 2`", Assert.Single(Advice.Of(Full with { Cores = 16, Slots = 2 })), StringComparison.Ordinal);
        Assert.DoesNotContain("--workers", Assert.Single(Advice.Of(Full with { Cores = 16, Slots = 1 })), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_SeveralThings_PutsWhatPromisesMostFirst()
    {
        var advice = Advice.Of(Full with
        {
            Steps = Busy with { Step = 0.15, Data = 0.05 },
            Probes = [new("train.slots=4", 1.2), new("train.precision=bf16", 2)],
        });
        Assert.Equal(["train.precision=bf16: 2.00", "Images are waited for during 33 %", "train.slots=4: 1.20"],
            advice.Zip([26, 33, 19], (sentence, length) => sentence[..length]));
    }

    [Fact]
    public void Of_ALongUpdate_NamesTheBatch() =>
        Assert.Contains("larger train.batch", Assert.Single(Advice.Of(Full with { Steps = Busy with { Update = 0.04 } })), StringComparison.Ordinal);
}
