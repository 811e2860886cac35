using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Cluster.Tests;

/// <summary>The status page for browsers, and the JSON beside it, of a coordinator that leads a run.</summary>
public sealed class StatusSiteTests
{
    private static readonly HttpClient Client = new() { Timeout = TimeSpan.FromSeconds(30) };

    [Fact]
    public async Task Get_OfARun_TellsItWithItsLossesAndPictures()
    {
        await using var cluster = TestCluster.OverTcp(Configs.Tiny(20, more: ", validate_steps: 5"), "stay=true", "plans.min_members=2");
        using (var page = await GetAsync(cluster, "/"))
        {
            Assert.Equal("text/html", page.Content.Headers.ContentType!.MediaType);
            var text = await TextAsync(page);
            Assert.Contains("<noscript>", text, StringComparison.Ordinal);
            // All in one: nothing is asked of anybody else.
            Assert.DoesNotMatch("""(src|href)="(https?:)?//""", text);
        }
        using (var none = await JsonAsync(cluster, "/pictures.json")) Assert.Equal(0, none.RootElement.GetArrayLength());

        cluster.StartWorkers(2);
        await UntilAsync(cluster, "/status.json", status =>
            status.RootElement.GetProperty("workers").EnumerateArray().Select(worker => worker.GetProperty("worker_id").GetString()).SequenceEqual(["w1", "w2"]));
        await cluster.WaitAsync("the run is finished", status => status.Phase == RunStatus.Types.Phase.Completed);
        await cluster.WaitAsync("the series are written", _ => File.Exists(Path.Combine(cluster.Folder, "summary.json")));

        using (var status = await JsonAsync(cluster, "/status.json"))
        {
            Assert.Equal("completed", status.RootElement.GetProperty("phase").GetString());
            Assert.Equal(20, status.RootElement.GetProperty("completed_steps").GetInt64());
        }
        using (var losses = await JsonAsync(cluster, "/losses.json"))
        {
            var rows = File.ReadLines(Path.Combine(cluster.Folder, "metrics.csv")).Skip(1).Select(line => line.Split(',')).ToList();
            Assert.Equal(rows.Select(row => row[0]), Column(losses, "training", "step").Select(step => $"{step.GetInt64()}"));
            Assert.Equal(rows.Select(row => (float)double.Parse(row[3])), Column(losses, "training", "loss").Select(loss => loss.GetSingle()));
            Assert.Equal([5, 10, 15, 20], Column(losses, "validation", "step").Select(step => step.GetInt64()));
        }
        using (var thinned = await JsonAsync(cluster, "/losses.json?points=5")) Assert.Equal([4, 8, 12, 16, 20], Column(thinned, "training", "step").Select(step => step.GetInt64()));
        using (var pictures = await JsonAsync(cluster, "/pictures.json"))
        {
            Assert.Equal(["pictures/reconstructions-0000020.png", "pictures/samples-0000020.png"],
                pictures.RootElement.EnumerateArray().Select(picture => picture.GetProperty("path").GetString()));
            foreach (var picture in pictures.RootElement.EnumerateArray())
            {
                var path = picture.GetProperty("path").GetString()!;
                using var image = await GetAsync(cluster, $"/{path}");
                Assert.Equal("image/png", image.Content.Headers.ContentType!.MediaType);
                Assert.Equal(File.ReadAllBytes(Path.Combine(cluster.Folder, path)), await image.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
            }
        }

        // Another coordinator of the same run shows what the folder has.
        cluster.KillCoordinator();
        cluster.RestartCoordinator();
        await cluster.WaitAsync("the coordinator is back", _ => true);
        await UntilAsync(cluster, "/losses.json", losses => Column(losses, "training", "step").Count == 20 && Column(losses, "validation", "step").Count == 4);
        await UntilAsync(cluster, "/pictures.json", pictures => pictures.RootElement.GetArrayLength() == 2);
    }

    [Fact]
    public async Task Get_WhatIsNotTold_IsRefused()
    {
        await using var cluster = TestCluster.OverTcp(Configs.Tiny(20));
        await cluster.WaitAsync("the coordinator is there", _ => true);
        var pictures = Directory.CreateDirectory(Path.Combine(cluster.Folder, "pictures")).FullName;
        foreach (var name in new[] { "note.txt", "note-0000001.txt", "UPPER-0000001.png", ".hidden-0000001.png" }) File.WriteAllText(Path.Combine(pictures, name), "x");
        foreach (var path in new[]
        {
            "/pictures/", "/pictures/note.txt", "/pictures/note-0000001.txt", "/pictures/UPPER-0000001.png", "/pictures/.hidden-0000001.png", "/pictures/../config.yaml",
            "/pictures/..%2fconfig.yaml", "/pictures/%2e%2e/config.yaml", "/pictures/..%5cconfig.yaml", "/pictures//etc/passwd", "/pictures/%2fetc%2fpasswd",
            "/pictures/samples-0000020.png%00", "/config.yaml", "/page.html",
        })
        {
            Assert.True(await RawStatusAsync(cluster, path) is 400 or 404, path);
        }
        foreach (var points in new[] { "0", "1001", "-1", "many", "", "1&points=2" })
            Assert.Equal(HttpStatusCode.BadRequest, (await Client.GetAsync(Url(cluster, $"/losses.json?points={points}"), TestContext.Current.CancellationToken)).StatusCode);
        using var posted = await Client.PostAsync(Url(cluster, "/status.json"), null, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, posted.StatusCode);
    }

    private static string Url(TestCluster cluster, string path) => $"http://127.0.0.1:{cluster.MetricsPort}{path}";

    /// <summary>Once it answers; with the headers that keep browsers to this page.</summary>
    private static async Task<HttpResponseMessage> GetAsync(TestCluster cluster, string path)
    {
        await cluster.WaitAsync("the coordinator is there", _ => true);
        var response = await Client.GetAsync(Url(cluster, path), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var policy = Assert.Single(response.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        Assert.False(response.Headers.Contains("Set-Cookie"));
        return response;
    }

    private static async Task<JsonDocument> JsonAsync(TestCluster cluster, string path)
    {
        using var response = await GetAsync(cluster, path);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        return JsonDocument.Parse(await TextAsync(response));
    }

    private static async Task UntilAsync(TestCluster cluster, string path, Func<JsonDocument, bool> wanted)
    {
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < Client.Timeout; await Task.Delay(50))
        {
            using var told = await JsonAsync(cluster, path);
            if (wanted(told)) return;
        }
        Assert.Fail($"{path} did not tell what was wanted within {Client.Timeout}.");
    }

    private static Task<string> TextAsync(HttpResponseMessage response) => response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

    private static List<JsonElement> Column(JsonDocument losses, string series, string name) =>
        [.. losses.RootElement.GetProperty(series).GetProperty(name).EnumerateArray()];

    /// <summary>A client that sends the path as it is, which HttpClient does not.</summary>
    private static async Task<int> RawStatusAsync(TestCluster cluster, string path)
    {
        using var socket = new System.Net.Sockets.TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, cluster.MetricsPort, TestContext.Current.CancellationToken);
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);
        var line = await reader.ReadLineAsync(TestContext.Current.CancellationToken);
        return int.Parse(line!.Split(' ')[1]);
    }
}
