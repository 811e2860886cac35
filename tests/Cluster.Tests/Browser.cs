using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace VaeCluster.Cluster.Tests;

/// <summary>One page in a headless Chromium, over the DevTools protocol (chromedevtools.github.io/devtools-protocol).</summary>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly Process process;
    private readonly string folder;
    private readonly ClientWebSocket socket = new();
    private readonly List<string> complaints = [];
    private string session = "";
    private Task saying = Task.CompletedTask;
    private int commands;

    private Browser(Process process, string folder) => (this.process, this.folder) = (process, folder);

    /// <summary>Errors on the console, exceptions and failed requests since this was asked last.</summary>
    public IReadOnlyList<string> TakeComplaints()
    {
        string[] taken = [.. complaints];
        complaints.Clear();
        return taken;
    }

    /// <param name="program">Chromium.</param>
    /// <param name="url">Opened once the page is listened to.</param>
    public static async Task<Browser> OpenAsync(string program, string url)
    {
        var folder = Directory.CreateTempSubdirectory("vc-browser-").FullName;
        var start = new ProcessStartInfo(program) { RedirectStandardError = true };
        foreach (var argument in new[]
        {
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-port=0", $"--user-data-dir={folder}", "about:blank",
        })
        {
            start.ArgumentList.Add(argument);
        }
        var browser = new Browser(Process.Start(start)!, folder);
        try
        {
            await browser.ConnectAsync(url);
            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    /// <summary>What a script comes to in the page, as JSON.</summary>
    public async Task<JsonNode?> EvaluateAsync(string script)
    {
        var answer = await SendAsync("Runtime.evaluate", new() { ["expression"] = script, ["returnByValue"] = true, ["awaitPromise"] = true });
        Assert.True(answer["exceptionDetails"] is null, $"{script}: {answer["exceptionDetails"]}");
        return answer["result"]!["value"];
    }

    /// <summary>Waits until a script is true.</summary>
    public async Task WaitAsync(string script)
    {
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < Deadline; await Task.Delay(100))
        {
            if ((await EvaluateAsync($"!!({script})"))!.GetValue<bool>()) return;
        }
        Assert.Fail($"It was not so that {script} within {Deadline}. The page says:\n{await EvaluateAsync("document.body.innerText")}\n"
            + $"and complains of:\n{string.Join('\n', complaints.TakeLast(20))}");
    }

    /// <param name="width">Pixels of CSS.</param>
    /// <param name="dark">What the person prefers.</param>
    public async Task ShowAsync(int width, bool dark)
    {
        await SendAsync("Emulation.setDeviceMetricsOverride", new() { ["width"] = width, ["height"] = 900, ["deviceScaleFactor"] = 1, ["mobile"] = width < 800 });
        await SendAsync("Emulation.setEmulatedMedia", new() { ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = dark ? "dark" : "light" }) });
        // Two frames, and what has been measured is drawn.
        await EvaluateAsync("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))");
    }

    public async Task PressAsync(string key) =>
        await SendAsync("Input.dispatchKeyEvent", new() { ["type"] = "keyDown", ["key"] = key, ["code"] = key, ["windowsVirtualKeyCode"] = key == "Tab" ? 9 : 0 });

    /// <summary>The whole page, also what is below the window.</summary>
    public async Task SaveAsync(string path)
    {
        var answer = await SendAsync("Page.captureScreenshot", new() { ["captureBeyondViewport"] = true });
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllBytesAsync(path, Convert.FromBase64String(answer["data"]!.GetValue<string>()));
    }

    public async ValueTask DisposeAsync()
    {
        socket.Dispose();
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        await saying;
        process.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private async Task ConnectAsync(string url)
    {
        const string listens = "DevTools listening on ";
        using var soon = new CancellationTokenSource(Deadline);
        string? line;
        do line = await process.StandardError.ReadLineAsync(soon.Token);
        while (line is not null && !line.StartsWith(listens, StringComparison.Ordinal));
        Assert.True(line is not null, "The browser ended.");
        saying = process.StandardError.ReadToEndAsync(CancellationToken.None);
        await socket.ConnectAsync(new Uri(line[listens.Length..]), soon.Token);
        var target = await SendAsync("Target.createTarget", new() { ["url"] = "about:blank" });
        session = (await SendAsync("Target.attachToTarget", new() { ["targetId"] = target["targetId"]!.GetValue<string>(), ["flatten"] = true }))["sessionId"]!.GetValue<string>();
        foreach (var domain in new[] { "Page", "Runtime", "Log", "Network" }) await SendAsync($"{domain}.enable", []);
        await SendAsync("Page.navigate", new() { ["url"] = url });
        await WaitAsync("location.href !== 'about:blank' && document.readyState === 'complete'");
    }

    /// <summary>Sends a command and reads until its answer; what the page complains of meanwhile is kept.</summary>
    private async Task<JsonNode> SendAsync(string method, JsonObject parameters)
    {
        using var soon = new CancellationTokenSource(Deadline);
        var id = ++commands;
        var command = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters };
        if (session.Length > 0) command["sessionId"] = session;
        await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(command), WebSocketMessageType.Text, true, soon.Token);
        while (true)
        {
            var message = await ReceiveAsync(soon.Token);
            if (message["id"]?.GetValue<int>() == id)
                return message["result"] ?? throw new InvalidOperationException($"{method}: {message["error"]}");
            switch (message["method"]?.GetValue<string>())
            {
                case "Runtime.exceptionThrown":
                case "Network.loadingFailed":
                case "Runtime.consoleAPICalled" when message["params"]!["type"]!.GetValue<string>() is "error" or "warning":
                case "Log.entryAdded" when message["params"]!["entry"]!["level"]!.GetValue<string>() is "error" or "warning":
                case "Network.responseReceived" when message["params"]!["response"]!["status"]!.GetValue<int>() >= 400:
                    complaints.Add(message.ToJsonString());
                    break;
            }
        }
    }

    private async Task<JsonNode> ReceiveAsync(CancellationToken cancellation)
    {
        using var whole = new MemoryStream();
        var buffer = new byte[1 << 16];
        WebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(buffer, cancellation);
            whole.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);
        return JsonNode.Parse(whole.ToArray())!;
    }
}
