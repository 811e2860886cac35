using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Prometheus.Tests;

/// <summary>A real Prometheus on a free loopback port, in a folder of its own; killed by its process id.</summary>
internal sealed partial class PrometheusServer : IAsyncDisposable
{
    public const string Program = "/usr/bin/prometheus";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("vaecluster-prometheus-");
    private readonly List<string> output = [];
    private readonly TaskCompletionSource<Uri> listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Process process;
    private readonly HttpClient client = new() { Timeout = TimeSpan.FromSeconds(30) };

    private PrometheusServer(string configuration)
    {
        var file = Path.Combine(folder.FullName, "prometheus.yml");
        File.WriteAllText(file, configuration);
        process = new Process
        {
            StartInfo = new ProcessStartInfo(Program,
                [$"--config.file={file}", $"--storage.tsdb.path={Path.Combine(folder.FullName, "data")}", "--web.listen-address=127.0.0.1:0"])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            },
        };
        process.OutputDataReceived += (_, line) => Read(line.Data);
        process.ErrorDataReceived += (_, line) => Read(line.Data);
    }

    public static async Task<PrometheusServer> StartAsync(string configuration)
    {
        var server = new PrometheusServer(configuration);
        server.process.Start();
        server.process.BeginOutputReadLine();
        server.process.BeginErrorReadLine();
        try
        {
            server.client.BaseAddress = await server.listening.Task.WaitAsync(Deadline, TestContext.Current.CancellationToken);
            return server;
        }
        catch (Exception exception)
        {
            await server.DisposeAsync();
            throw new InvalidOperationException($"Prometheus did not begin to listen:\n{server.Output()}", exception);
        }
    }

    /// <summary>The one value of the query, once Prometheus has one.</summary>
    public async Task<double> QueryAsync(string query)
    {
        var result = await PollAsync($"/api/v1/query?query={Uri.EscapeDataString(query)}",
            data => data.GetProperty("result") is { } found && found.GetArrayLength() > 0 ? found : null, $"a value of {query}");
        Assert.Equal(1, result.GetArrayLength());
        return double.Parse(result[0].GetProperty("value")[1].GetString()!.Replace("+Inf", "Infinity", StringComparison.Ordinal));
    }

    /// <summary>Asks again and again until the answer's data has what is wanted.</summary>
    public async Task<JsonElement> PollAsync(string path, Func<JsonElement, JsonElement?> wanted, string what)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(Deadline);
        var answer = "";
        try
        {
            do
            {
                // 503 while it starts up.
                using var response = await client.GetAsync(path, deadline.Token);
                answer = await response.Content.ReadAsStringAsync(deadline.Token);
                if (response.StatusCode == HttpStatusCode.ServiceUnavailable) continue;
                Assert.True(response.IsSuccessStatusCode, $"{path}: {answer}");
                using var document = JsonDocument.Parse(answer);
                if (wanted(document.RootElement.GetProperty("data")) is { } found) return found.Clone();
            }
            while (await timer.WaitForNextTickAsync(deadline.Token));
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
        }
        throw new TimeoutException($"Prometheus did not show {what} in time. Its last answer: {answer}\nIts log:\n{Output()}");
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync(CancellationToken.None).WaitAsync(Deadline);
        process.Dispose();
        folder.Delete(recursive: true);
    }

    private void Read(string? line)
    {
        if (line is null) return;
        lock (output) output.Add(line);
        if (ListeningOn().Match(line) is { Success: true } match) listening.TrySetResult(new Uri($"http://{match.Groups[1].Value}"));
    }

    private string Output()
    {
        lock (output) return string.Join('\n', output);
    }

    [GeneratedRegex(@"msg=""Listening on"".*address=(127\.0\.0\.1:\d+)")]
    private static partial Regex ListeningOn();
}
