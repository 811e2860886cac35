namespace VaeCluster.Cluster.Tests;

/// <summary>One fault each: the run ends with the weights that it would have had without, and no step is missing.</summary>
public sealed class FaultTests
{
    private static string Config => Configs.Tiny(150);

    [Fact]
    public async Task Kill_OneOfThreeWorkers_TheOthersGoOn()
    {
        await using var cluster = await StartAsync(3);
        cluster.Workers["w2"].Kill();

        await cluster.WaitAsync("w2 is out of the plan", status => status.Plan?.Members.Count == 2 && status.Phase == Protocol.V1.RunStatus.Types.Phase.Running);
        await AssertDoneAsync(cluster);
    }

    [Fact]
    public async Task Terminate_OneOfThreeWorkers_ItLeavesBetweenTwoSteps()
    {
        await using var cluster = await StartAsync(3);
        var leaving = cluster.Workers["w1"];
        leaving.AskToEnd();

        Assert.True(await leaving.EndedAsync(TimeSpan.FromSeconds(60)), cluster.Said);
        Assert.Equal(130, leaving.ExitCode);
        var status = await cluster.WaitAsync("the others go on", status => status.Plan?.Members.Count == 2);
        Assert.Contains("w1 leaves", status.Plan.Reason, StringComparison.Ordinal);
        await AssertDoneAsync(cluster);
    }

    [Fact]
    public async Task Stop_LongerThanTheLease_IsRoutedAroundAndComesBack()
    {
        await using var cluster = await StartAsync(3);
        cluster.Workers["w3"].Stop();
        await cluster.WaitAsync("w3 is out of the plan", status => status.Plan?.Members.Count == 2 && status.Phase == Protocol.V1.RunStatus.Types.Phase.Running);
        cluster.Workers["w3"].Continue();
        await cluster.WaitAsync("w3 is back", status => status.Plan?.Members.Count == 3);

        await AssertDoneAsync(cluster);
    }

    [Fact]
    public async Task Join_InTheMiddle_CopiesTheStateAndTakesSlots()
    {
        await using var cluster = await StartAsync(2);
        cluster.StartWorker("w3");
        await cluster.WaitAsync("w3 has slots", status => status.Plan?.Members.Any(member => member is { WorkerId: "w3", Slots: > 0 }) == true);

        await AssertDoneAsync(cluster);
    }

    /// <summary>Nothing reaches the newcomer, while it reaches everybody: the plan without it is one that it has to hear of all the same.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Join_OverALinkThatIsCut_IsKeptOutUntilItIsMended(bool isMended)
    {
        await using var cluster = await StartAsync(2, "plans.back_off=500ms");
        await using var proxy = new LinkProxy();
        proxy.Cut();
        cluster.StartWorker("w3", "--listen", $"http://127.0.0.1:{proxy.TargetPort}", "--advertise", $"http://127.0.0.1:{proxy.Port}");
        await cluster.WaitAsync("w3 is kept out", status => status.Workers.Any(worker => worker is { WorkerId: "w3", Stage: Protocol.V1.WorkerStatus.Types.Stage.Out }));
        if (isMended)
        {
            proxy.Mend();
            await cluster.WaitAsync("w3 has slots", status => status.Plan?.Members.Any(member => member is { WorkerId: "w3", Slots: > 0 }) == true);
        }

        await AssertDoneAsync(cluster);
    }

    [Fact]
    public async Task Kill_Coordinator_TrainingGoesOnAndItsPlanIsAdopted()
    {
        await using var cluster = await StartAsync(2);
        cluster.KillCoordinator();
        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        cluster.RestartCoordinator();
        var status = await cluster.WaitAsync("the plan is adopted", status => status.Plan?.Members.Count == 2);

        Assert.Equal(2UL, status.Term);
        await AssertDoneAsync(cluster);
    }

    [Fact]
    public async Task Kill_CoordinatorAndAWorker_TheOtherWaitsForItsReturn()
    {
        await using var cluster = await StartAsync(2);
        cluster.KillCoordinator();
        cluster.Workers["w2"].Kill();
        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        cluster.RestartCoordinator();

        await cluster.WaitAsync("w1 goes on alone", status => status.Plan?.Members.Count == 1);
        await AssertDoneAsync(cluster);
    }

    [Fact]
    public async Task Kill_Everything_GoesOnFromTheNewestCheckpoint()
    {
        await using var cluster = await StartAsync(2);
        await cluster.WaitForStepAsync(60);
        foreach (var worker in cluster.Workers.Values) worker.Kill();
        cluster.KillCoordinator();
        cluster.RestartCoordinator();
        cluster.StartWorker("w8");
        cluster.StartWorker("w9");

        await AssertDoneAsync(cluster);
    }

    [Fact]
    public async Task Terminate_Everything_LosesNoStepAndNoRecord()
    {
        await using var cluster = await StartAsync(2);
        await cluster.WaitForStepAsync(40);
        foreach (var worker in cluster.Workers.Values) worker.AskToEnd();
        cluster.AskCoordinatorToEnd();
        foreach (var worker in cluster.Workers.Values) Assert.True(await worker.EndedAsync(TimeSpan.FromSeconds(60)), cluster.Said);
        Assert.True(await cluster.CoordinatorEndedAsync(TimeSpan.FromSeconds(60)), cluster.Said);
        cluster.RestartCoordinator();
        cluster.StartWorker("w8");
        cluster.StartWorker("w9");

        await AssertDoneAsync(cluster);
    }

    [Fact]
    public async Task Resume_ARunOfOneProcess_GoesOnWithWorkers()
    {
        const int stopped = 23;
        await using var cluster = new TestCluster(Config, stopped, "plans.min_members=3");
        cluster.StartWorkers(3);

        await AssertDoneAsync(cluster, hasJournal: false);
        // No coordinator before this one has workers that could come back.
        Assert.DoesNotContain("restarted", cluster.Said, StringComparison.Ordinal);
    }

    private static async Task<TestCluster> StartAsync(int workers, params string[] options)
    {
        _ = TestCluster.WeightsOfOneProcess(Config);
        var cluster = new TestCluster(Config, [$"plans.min_members={workers}", "plans.gather_time=200ms", .. options]);
        cluster.StartWorkers(workers);
        await cluster.WaitForStepAsync(20);
        return cluster;
    }

    private static async Task AssertDoneAsync(TestCluster cluster, bool hasJournal = true)
    {
        await cluster.CompleteAsync();
        if (hasJournal) cluster.AssertJournal();
        Assert.True(cluster.Weights() == TestCluster.WeightsOfOneProcess(Config), $"The weights are others.\n{cluster.Said}");
    }
}
