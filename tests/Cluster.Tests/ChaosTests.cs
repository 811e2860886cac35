using System.Globalization;
using System.Text;

namespace VaeCluster.Cluster.Tests;

/// <summary>
/// Random schedules of faults: killed, stopped and drained workers, joins, cut links, killed coordinators. The weights are
/// those of the run that nothing happened to. VAECLUSTER_CHAOS_SCHEDULES says how many,
/// VAECLUSTER_CHAOS_STEPS how long each is, VAECLUSTER_CHAOS_SEED with which one to begin.
/// </summary>
public sealed class ChaosTests
{
    private const int Events = 5;

    /// <summary>Steps at the end in which nothing happens: what comes there has no time to be mended.</summary>
    private const int Rest = 20;
    private static readonly string[] Names = ["kill", "terminate", "stop", "cut", "coordinator, while there is", "join, while there is"];

    private static int Steps => Number("VAECLUSTER_CHAOS_STEPS", 150);

    private static int Schedules => Number("VAECLUSTER_CHAOS_SCHEDULES", 10);

    public static TheoryData<int> Seeds => [.. Enumerable.Range(Number("VAECLUSTER_CHAOS_SEED", 1), Schedules)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task AnySchedule_EndsWithTheUndisturbedWeights(int seed)
    {
        var expected = TestCluster.WeightsOfOneProcess(Configs.Tiny(Steps));
        var schedule = new StringBuilder();
        var random = new Random(seed);
        await using var cluster = new TestCluster(Configs.Tiny(Steps), "plans.min_members=3", "plans.gather_time=200ms", "plans.back_off=1s");
        var proxies = new Dictionary<string, LinkProxy>();
        try
        {
            for (var i = 1; i <= 3; i++) Join($"w{i}");
            var (joined, done) = (3, 5UL);
            for (var i = 0; i < Events; i++)
            {
                var at = done + (ulong)random.Next(5, Steps / Events);
                if (at > (ulong)(Steps - Rest)) break;
                await cluster.WaitForStepAsync(at);
                if (await cluster.StatusUnlessEndedAsync() is not { } before) break;
                var alive = cluster.Workers.Where(worker => worker.Value is { IsAlive: true, WasAsked: false }).Select(worker => worker.Key).Order(StringComparer.Ordinal).ToList();
                var victim = alive[random.Next(alive.Count)];
                // One at least has to be left who trains, or there is nobody to go on: a newcomer alone waits for others.
                var training = alive.Count(id => before.Plan?.Members.Any(member => member.WorkerId == id && member.Slots > 0) == true);
                var kind = training < 2 ? random.Next(4, 6) : random.Next(6);
                schedule.Append(CultureInfo.InvariantCulture, $" step {at}: {Names[kind]} {victim};");
                switch (kind)
                {
                    case 0:
                        cluster.Workers[victim].Kill();
                        break;
                    case 1:
                        cluster.Workers[victim].AskToEnd();
                        break;
                    case 2:
                        cluster.Workers[victim].Stop();
                        await Task.Delay(random.Next(500, 4000), TestContext.Current.CancellationToken);
                        cluster.Workers[victim].Continue();
                        break;
                    case 3:
                        proxies[victim].Cut();
                        await Task.Delay(random.Next(100, 1500), TestContext.Current.CancellationToken);
                        proxies[victim].Mend();
                        break;
                    case 4:
                        cluster.KillCoordinator();
                        await Task.Delay(random.Next(0, 1500), TestContext.Current.CancellationToken);
                        cluster.RestartCoordinator();
                        break;
                    default:
                        Join($"w{++joined}");
                        break;
                }
                if (random.Next(2) == 0 && alive.Count < 4) Join($"w{++joined}");
                if (await cluster.StatusUnlessEndedAsync() is not { } status) break;
                done = Math.Max(at, status.CompletedSteps);
            }
            await cluster.CompleteAsync();
            cluster.AssertJournal();
            Assert.True(cluster.Weights() == expected, $"Other weights after{schedule}\n{cluster.Said}");
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"Schedule {seed}:{schedule} {exception.Message}", exception);
        }
        finally
        {
            foreach (var proxy in proxies.Values) await proxy.DisposeAsync();
        }

        void Join(string id)
        {
            var proxy = proxies[id] = new LinkProxy();
            cluster.StartWorker(id, "--listen", $"http://127.0.0.1:{proxy.TargetPort}", "--advertise", $"http://127.0.0.1:{proxy.Port}");
        }
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
