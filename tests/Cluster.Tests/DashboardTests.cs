using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using VaeCluster.Protocol.V1;
using VaeCluster.Tests;

namespace VaeCluster.Cluster.Tests;

/// <summary>Each query of the dashboard, and each alert rule, in a real Prometheus that scrapes a real run.</summary>
public sealed partial class DashboardTests
{
    private const string Program = "/usr/bin/prometheus";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>What this machine has nobody to tell of: GPUs (dcgm-exporter) and claims (the kubelet).</summary>
    private static readonly string[] ToldByOthers = ["GPU memory", "GPU utilisation", "Volumes: free"];

    private static readonly HttpClient Client = new() { Timeout = TimeSpan.FromSeconds(10) };

    [Fact]
    public async Task EachQuery_OfARunWithEverythingInIt_HasData()
    {
        Assert.SkipUnless(File.Exists(Program), $"no {Program}: eng/setup.sh test installs it");
        var folder = Directory.CreateTempSubdirectory("vc-prometheus-").FullName;
        Running? prometheus = null;
        try
        {
            // 1. Prometheus first, so that it sees counters before they count.
            var config = Configs.Tiny(100_000, more: ", validate_steps: 20").Replace("threads: 1}", $"threads: 1, cache: {{folder: {folder}/cache}}}}", StringComparison.Ordinal)
                .Replace("every_steps: 50", "every_steps: 20", StringComparison.Ordinal);
            await using var cluster = TestCluster.OverTcp(config, "plans.gather_time=0ms");
            int[] workers = [LinkProxy.FreePort(), LinkProxy.FreePort()];
            prometheus = new Running(folder, [cluster.MetricsPort, .. workers]);

            // 2. A run in which everything happens: another member, a coordinator that comes back, checkpoints, validations.
            cluster.StartWorker("w1", "--metrics", $"http://127.0.0.1:{workers[0]}");
            await cluster.WaitAsync("one worker trains", status => status.CompletedSteps > 5);
            cluster.StartWorker("w2", "--metrics", $"http://127.0.0.1:{workers[1]}");
            await cluster.WaitAsync("two workers train", status => status.Plan is { Members.Count: 2 } plan && plan.Members.All(member => member.Slots > 0));
            cluster.KillCoordinator();
            cluster.RestartCoordinator();
            await cluster.WaitAsync("the coordinator is back", status => status.Phase == RunStatus.Types.Phase.Running && status.Checkpoint is not null);

            // 3. Every query.
            using var dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(Root, "helm/vae-train/files/dashboard.json")));
            var panels = dashboard.RootElement.GetProperty("panels").EnumerateArray().Where(panel => panel.TryGetProperty("targets", out _))
                .SelectMany(panel => panel.GetProperty("targets").EnumerateArray().Select(target => (Title: panel.GetProperty("title").GetString()!, Query: Filled(target)))).ToList();
            Assert.True(panels.Count > 60, $"{panels.Count} queries");
            await WithDataAsync(prometheus, panels, "/api/v1/query?query=", ToldByOthers);

            var annotations = dashboard.RootElement.GetProperty("annotations").GetProperty("list").EnumerateArray()
                .Select(each => (Title: each.GetProperty("name").GetString()!, Query: Filled(each))).ToList();
            Assert.Equal(3, annotations.Count);
            var (from, to) = (prometheus.Since.ToUnixTimeSeconds(), DateTimeOffset.UtcNow.AddMinutes(1).ToUnixTimeSeconds());
            await WithDataAsync(prometheus, annotations, $"/api/v1/query_range?start={from}&end={to}&step=1&query=", []);

            // 4. Every rule is one that Prometheus can evaluate, and none of them alerts: a restart is shorter than what they wait for.
            using var rules = await prometheus.GetAsync("/api/v1/rules");
            var evaluated = rules.RootElement.GetProperty("data").GetProperty("groups").EnumerateArray().SelectMany(group => group.GetProperty("rules").EnumerateArray()).ToList();
            Assert.True(evaluated.Count > 15, $"{evaluated.Count} rules");
            Assert.All(evaluated, rule =>
            {
                Assert.Equal("ok", rule.GetProperty("health").GetString());
                Assert.NotEqual("firing", rule.GetProperty("state").GetString());
            });
        }
        finally
        {
            if (prometheus is not null) await prometheus.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>All queries have a number to show but those of these panels, which have none.</summary>
    private static async Task WithDataAsync(Running prometheus, List<(string Title, string Query)> queries, string path, string[] without)
    {
        List<(string Title, string Query)> missing = [];
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < Deadline; await Task.Delay(250, TestContext.Current.CancellationToken))
        {
            missing.Clear();
            foreach (var query in queries)
            {
                using var answer = await prometheus.GetAsync(path + Uri.EscapeDataString(query.Query));
                if (!HasNumber(answer)) missing.Add(query);
            }
            if (missing.Select(query => query.Title).Distinct().Order(StringComparer.Ordinal).SequenceEqual(without)) return;
        }
        Assert.Fail($"No data, or data where none were expected:\n{string.Join('\n', missing.Where(query => !without.Contains(query.Title)).Select(query => $"{query.Title}: {query.Query}"))}\n{prometheus.Said}");
    }

    private static bool HasNumber(JsonDocument answer)
    {
        Assert.Equal("success", answer.RootElement.GetProperty("status").GetString());
        return answer.RootElement.GetProperty("data").GetProperty("result").EnumerateArray()
            .SelectMany(series => series.TryGetProperty("values", out var values) ? values.EnumerateArray() : new[] { series.GetProperty("value") }.AsEnumerable())
            .Any(value => double.IsFinite(double.Parse(value[1].GetString()!, CultureInfo.InvariantCulture)));
    }

    /// <summary>As Grafana fills it in when all is chosen; where it scrapes each 15 s, this test does four times a second.</summary>
    private static string Filled(JsonElement query) => Variable().Replace(query.GetProperty("expr").GetString()!, match => match.Value switch
    {
        "$namespace" or "$release" or "$worker" => ".*",
        "$__rate_interval" => "4s",
        ":15s]" => ":1s]",
        var other => throw new InvalidOperationException($"{other} is not known here."),
    });

    private static string Root => Path.GetFullPath(Path.Combine(ProgramRun.BinFolder, "../../../.."));

    [GeneratedRegex(@"\$\w+|\$\{\w+\}|:15s\]")]
    private static partial Regex Variable();

    [GeneratedRegex(@"targets: \[.*\]")]
    private static partial Regex Targets();

    /// <summary>Prometheus with the configuration of deploy/, and other targets, scraped more often.</summary>
    private sealed class Running : IAsyncDisposable
    {
        private readonly Process process;
        private readonly List<string> said = [];
        private readonly string address;

        public Running(string folder, int[] ports)
        {
            var config = File.ReadAllText(Path.Combine(Root, "deploy/prometheus/prometheus.yml"));
            config = Targets().Replace(config, $"targets: [{string.Join(", ", ports.Select(port => $"\"127.0.0.1:{port}\""))}]")
                .Replace("scrape_interval: 5s", "scrape_interval: 250ms", StringComparison.Ordinal).Replace("evaluation_interval: 15s", "evaluation_interval: 1s", StringComparison.Ordinal)
                .Replace("/etc/prometheus/alerts.yaml", Path.Combine(Root, "helm/vae-train/files/alerts.yaml"), StringComparison.Ordinal);
            var file = Path.Combine(folder, "prometheus.yml");
            File.WriteAllText(file, config);
            address = $"127.0.0.1:{LinkProxy.FreePort()}";
            process = new Process
            {
                StartInfo = ProgramRun.Describe(Program,
                    [$"--config.file={file}", $"--storage.tsdb.path={folder}/data", $"--web.listen-address={address}", "--log.level=warn"]),
            };
            process.ErrorDataReceived += (_, line) => { lock (said) said.Add(line.Data ?? ""); };
            process.Start();
            process.BeginErrorReadLine();
            process.StandardOutput.Close();
        }

        public DateTimeOffset Since { get; } = DateTimeOffset.UtcNow;

        public string Said
        {
            get { lock (said) return string.Join('\n', said.TakeLast(50)); }
        }

        /// <summary>Once it answers.</summary>
        public async Task<JsonDocument> GetAsync(string path)
        {
            for (var start = Stopwatch.GetTimestamp(); ; await Task.Delay(50, TestContext.Current.CancellationToken))
            {
                Assert.False(process.HasExited, $"Prometheus has ended.\n{Said}");
                try
                {
                    return JsonDocument.Parse(await Client.GetStringAsync($"http://{address}{path}", TestContext.Current.CancellationToken));
                }
                catch (HttpRequestException exception)
                {
                    Assert.True(Stopwatch.GetElapsedTime(start) < Deadline, $"Prometheus does not answer {path}: {exception.Message}\n{Said}");
                }
            }
        }

        public async ValueTask DisposeAsync()
        {
            if (!process.HasExited) process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }
}
