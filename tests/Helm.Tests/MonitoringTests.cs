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

    [Fact]
    public void MetricsOfRulesAndDashboard_AreExported()
    {
        var sources = string.Concat(Directory.EnumerateFiles(Path.Combine(Tool.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal)).Select(File.ReadAllText));
        var exported = CreatedMetric().Matches(sources).Select(match => match.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        var used = MetricName().Matches(File.ReadAllText(Rules) + File.ReadAllText(Dashboard)).Select(match => match.Value)
            .Where(name => !name.EndsWith('_')).Distinct().ToList();
        Assert.True(used.Count > 20, string.Join(' ', used));
        var missing = used.Where(name => !exported.Contains(name) && !exported.Contains(Series().Replace(name, ""))).ToList();
        Assert.True(missing.Count == 0, "Not exported: " + string.Join(' ', missing));
    }

    [GeneratedRegex(@"- alert: (\w+)")]
    private static partial Regex AlertName();

    [GeneratedRegex(@"(?:Counter|Gauge|Histogram)\(""([a-z0-9_]+)""")]
    private static partial Regex CreatedMetric();

    [GeneratedRegex(@"\b(?:vaecluster|process|dotnet)_[a-z0-9_]+")]
    private static partial Regex MetricName();

    /// <summary>What a histogram's name has behind it.</summary>
    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Series();
}
