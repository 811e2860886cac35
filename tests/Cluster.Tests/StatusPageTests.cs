using VaeCluster.Protocol.V1;

namespace VaeCluster.Cluster.Tests;

/// <summary>The status page in a browser, of a run that goes on. `make test-page` brings the browser.</summary>
public sealed class StatusPageTests
{
    private static readonly string? Program = Environment.GetEnvironmentVariable("VAECLUSTER_BROWSER");

    /// <summary>Screenshots stay there, to be looked at.</summary>
    private static readonly string Shots = Environment.GetEnvironmentVariable("VAECLUSTER_SCREENSHOTS") ?? Path.Combine(Path.GetTempPath(), "vaecluster-page");

    [Fact]
    public async Task Page_OfALiveRun_ShowsItAndOutlivesItsCoordinator()
    {
        Assert.SkipWhen(Program is null, "VAECLUSTER_BROWSER names no browser: `make test-page` does.");
        await using var cluster = TestCluster.OverTcp(Configs.Tiny(1_000_000, more: ", validate_steps: 20"));
        await cluster.WaitAsync("the coordinator is there", _ => true);
        await using var browser = await Browser.OpenAsync(Program, $"http://127.0.0.1:{cluster.MetricsPort}/");

        // 1. Before anybody has come, then live: steps, curves, pictures and checkpoints come by themselves.
        await browser.WaitAsync("document.getElementById('phase').textContent === 'waiting'");
        await ShotsAsync(browser, "waiting");
        cluster.StartWorkers(3);
        await cluster.WaitAsync("three work", status => status.Workers.Count(worker => worker.Stage == WorkerStatus.Types.Stage.Contributor) == 3);
        await browser.WaitAsync("document.getElementById('phase').textContent === 'running' && document.querySelectorAll('#members tbody tr').length === 3");
        await browser.WaitAsync("document.querySelectorAll('#checkpoints li').length >= 2 && document.querySelectorAll('#loss circle').length >= 4");
        await browser.WaitAsync("document.images.length === 2 && [...document.images].every(image => image.complete && image.naturalWidth > 0)");
        var before = await StepAsync(browser);
        await browser.WaitAsync($"{StepScript} > {before}");
        await ShotsAsync(browser, "running");
        AssertNoComplaint(browser);

        // 2. With the keyboard alone: what scrolls and what leads elsewhere is reached.
        var reached = new HashSet<string>();
        for (var presses = 0; presses < 12; presses++)
        {
            await browser.PressAsync("Tab");
            reached.Add((await browser.EvaluateAsync("document.activeElement.getAttribute('href') ?? document.activeElement.getAttribute('aria-labelledby') ?? ''"))!.GetValue<string>());
        }
        Assert.Superset(new HashSet<string> { "members-name", "step-name", "status.json", "losses.json", "pictures.json", "metrics" }, reached);

        // 3. A worker that is lost is named.
        cluster.Workers["w3"].Kill();
        await browser.WaitAsync("document.getElementById('remarks').textContent.includes('w3 is lost')");

        // 4. The coordinator goes; the page keeps what it knows and says since when; another one comes.
        cluster.KillCoordinator();
        await browser.WaitAsync("/does not answer since \\d\\d:\\d\\d:\\d\\d/.test(document.getElementById('trouble').textContent)");
        await ShotsAsync(browser, "away");
        before = await StepAsync(browser);
        Assert.True(before > 0);
        cluster.RestartCoordinator();
        await cluster.WaitForStepAsync((ulong)before + 1);
        await browser.WaitAsync($"document.getElementById('trouble').textContent === '' && {StepScript} > {before}");
        await browser.WaitAsync("document.getElementById('figures').textContent.includes('term 2')");
        await browser.WaitAsync("document.querySelectorAll('#loss circle').length >= 4 && document.images.length === 2");

        // Requests to nobody are complained of, and nothing else.
        Assert.DoesNotContain(browser.TakeComplaints(), complaint => complaint.Contains("exceptionThrown", StringComparison.Ordinal)
            || (!complaint.Contains("ERR_CONNECTION_", StringComparison.Ordinal) && !complaint.Contains("ERR_EMPTY_RESPONSE", StringComparison.Ordinal) && !complaint.Contains("503", StringComparison.Ordinal)));
        var term = await StepAsync(browser);
        await browser.WaitAsync($"{StepScript} > {term}");
        AssertNoComplaint(browser);
    }

    private static void AssertNoComplaint(Browser browser)
    {
        var complaints = browser.TakeComplaints();
        Assert.True(complaints.Count == 0, string.Join('\n', complaints));
    }

    private const string StepScript = "Number(document.querySelector('#figures dd').textContent.split(' of ')[0].replaceAll(',', ''))";

    private static async Task<long> StepAsync(Browser browser) => (await browser.EvaluateAsync(StepScript))!.GetValue<long>();

    /// <summary>On a phone and on a desk, light and dark; nothing stands out at the side.</summary>
    private static async Task ShotsAsync(Browser browser, string name)
    {
        foreach (var (width, dark) in new[] { (375, false), (375, true), (768, false), (1440, true), (1440, false) })
        {
            await browser.ShowAsync(width, dark);
            await browser.SaveAsync(Path.Combine(Shots, $"{name}-{width}-{(dark ? "dark" : "light")}.png"));
            var wide = await browser.EvaluateAsync("""
                [document.documentElement.scrollWidth, ...[...document.querySelectorAll('body *')].filter(element => !element.closest('.box, thead, svg'))
                    .map(element => element.getBoundingClientRect().right)].reduce((most, right) => Math.max(most, right), 0)
                """);
            Assert.InRange(wide!.GetValue<double>(), 1, width + 0.5);
        }
    }
}
