using System.Text.Json;
using System.Text.RegularExpressions;

namespace Helm.Tests;

/// <summary>The alert rules and the dashboard: whole, tested, and over metrics that the program exports.</summary>
public sealed partial class MonitoringTests
{
    private static readonly string Rules = Path.Combine(Tool.Chart, "files/alerts.yaml");
    private static readonly string Dashboard = Path.Combine(Tool.Chart, "files/dashboard.json");

    [Fact]
    public void Rules_PassTheirUnitTests()
    {
        var check = Tool.Promtool("check", "rules", "--lint-fatal", Rules);
        Assert.True(check.ExitCode == 0, check.All);
        var tests = Tool.Promtool("test", "rules", Path.Combine(Tool.Root, "deploy/prometheus/alerts.test.yaml"));
        Assert.True(tests.ExitCode == 0, tests.All);
    }

    [Fact]
    public void EachRule_HasATestInWhichItAlerts()
    {
        var tests = File.ReadAllText(Path.Combine(Tool.Root, "deploy/prometheus/alerts.test.yaml"));
        foreach (Match alert in AlertName().Matches(File.ReadAllText(Rules)))
            Assert.Matches($@"alertname: {alert.Groups[1].Value}(, |\n\s+)exp_alerts:", tests);
    }

    [Fact]
    public void EachRule_HasARunbook()
    {
        var headings = File.ReadLines(Path.Combine(Tool.Root, "docs/operations.md")).ToHashSet(StringComparer.Ordinal);
        var alerts = AlertName().Matches(File.ReadAllText(Rules)).Select(match => match.Groups[1].Value).ToList();
        Assert.NotEmpty(alerts);
        var missing = alerts.Where(alert => !headings.Contains($"### {alert}")).ToList();
        Assert.True(missing.Count == 0, "No runbook in docs/operations.md: " + string.Join(' ', missing));
    }

    [Fact]
    public void Prometheus_TakesTheConfigurationOfCompose()
    {
        var check = Tool.Promtool("check", "config", "--syntax-only", Path.Combine(Tool.Root, "deploy/prometheus/prometheus.yml"));
        Assert.True(check.ExitCode == 0, check.All);
    }

    [Fact]
    public void Dashboard_IsWhatItsScriptWrites()
    {
        var check = Tool.Python(Path.Combine(Tool.Root, "deploy/grafana/dashboard.py"), "--check");
        Assert.True(check.ExitCode == 0, check.All);
    }

    [Fact]
    public void ListOfMetrics_IsWhatTheCodeMakes()
    {
        var check = Tool.Python(Path.Combine(Tool.Root, "docs/metrics.py"), "--check");
        Assert.True(check.ExitCode == 0, check.All);
    }

    [Fact]
    public void Panels_HavePlacesOfTheirOwn()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Dashboard));
        var taken = new HashSet<(int, int)>();
        foreach (var panel in dashboard.RootElement.GetProperty("panels").EnumerateArray())
        {
            var place = panel.GetProperty("gridPos");
            var (x, y) = (place.GetProperty("x").GetInt32(), place.GetProperty("y").GetInt32());
            Assert.InRange(x + place.GetProperty("w").GetInt32(), 1, 24);
            for (var column = x; column < x + place.GetProperty("w").GetInt32(); column++)
            {
                for (var row = y; row < y + place.GetProperty("h").GetInt32(); row++) Assert.True(taken.Add((column, row)), panel.GetProperty("title").GetString());
            }
        }
    }

    /// <summary>ListOfMetrics_IsWhatTheCodeMakes holds the list to the program.</summary>
    [Fact]
    public void MetricsOfRulesAndDashboard_AreListed()
    {
        var listed = ListedMetric().Matches(File.ReadAllText(Path.Combine(Tool.Root, "docs/metrics.md")))
            .SelectMany(match => Series(match.Groups[1].Value, match.Groups[2].Value)).ToHashSet(StringComparer.Ordinal);
        var used = MetricName().Matches(File.ReadAllText(Rules) + File.ReadAllText(Dashboard)).Select(match => match.Value).Distinct().ToList();
        Assert.True(used.Count > 20, string.Join(' ', used));
        var missing = used.Where(name => !listed.Contains(name)).ToList();
        Assert.True(missing.Count == 0, "Not in docs/metrics.md: " + string.Join(' ', missing));

        static IEnumerable<string> Series(string name, string type) =>
            type == "histogram" ? [$"{name}_bucket", $"{name}_sum", $"{name}_count"] : [name];
    }

    /// <summary>As recording rules, with Grafana's variables replaced; promtool reads them.</summary>
    [Fact]
    public void QueriesOfTheDashboard_AreWellFormed()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Dashboard));
        var root = dashboard.RootElement;
        var queries = root.GetProperty("panels").EnumerateArray().Where(panel => panel.TryGetProperty("targets", out _))
            .SelectMany(panel => panel.GetProperty("targets").EnumerateArray())
            .Concat(root.GetProperty("annotations").GetProperty("list").EnumerateArray())
            .Select(each => GrafanaInterval().Replace(each.GetProperty("expr").GetString()!, "1m")).ToList();
        Assert.True(queries.Count > 40, $"{queries.Count} queries");
        var file = Path.GetTempFileName();
        try
        {
            // JSON's text is YAML's too.
            File.WriteAllText(file, JsonSerializer.Serialize(new
            {
                groups = new[] { new { name = "dashboard", rules = queries.Select((expr, at) => new { record = $"query_{at}", expr }) } },
            }));
            var check = Tool.Promtool("check", "rules", file);
            Assert.True(check.ExitCode == 0, check.All);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [GeneratedRegex(@"- alert: (\w+)")]
    private static partial Regex AlertName();

    [GeneratedRegex(@"^\| `([a-z0-9_]+)` \| (counter|gauge|histogram) \|", RegexOptions.Multiline)]
    private static partial Regex ListedMetric();

    [GeneratedRegex(@"\b(?:vaecluster|process|dotnet)_[a-z0-9_]+")]
    private static partial Regex MetricName();

    [GeneratedRegex(@"\$__(?:rate_)?interval")]
    private static partial Regex GrafanaInterval();
}
