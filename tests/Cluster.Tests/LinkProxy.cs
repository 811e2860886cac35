using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace VaeCluster.Cluster.Tests;

/// <summary>A TCP connection to a worker that can be cut: whoever comes through here loses the link, and gets none until it is mended.</summary>
internal sealed class LinkProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<TcpClient, bool> open = new();
    private readonly CancellationTokenSource ending = new();
    private readonly Task accepting;
    private volatile bool isCut;

    public LinkProxy()
    {
        listener.Start();
        TargetPort = FreePort();
        accepting = AcceptAsync();
    }

    /// <summary>Where others are sent.</summary>
    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Where the worker listens.</summary>
    public int TargetPort { get; }

    public void Cut()
    {
        isCut = true;
        foreach (var client in open.Keys) client.Close();
    }

    public void Mend() => isCut = false;

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        listener.Stop();
        Cut();
        await accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ending.Dispose();
    }

    public static int FreePort()
    {
        var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var port = ((IPEndPoint)probe.LocalEndpoint).Port;
        probe.Stop();
        return port;
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var client = await listener.AcceptTcpClientAsync(ending.Token);
            if (isCut) client.Close();
            else _ = CarryAsync(client);
        }
    }

    private async Task CarryAsync(TcpClient client)
    {
        using var target = new TcpClient();
        open[client] = open[target] = true;
        try
        {
            // A cut that came before these two could be closed by it.
            if (isCut) return;
            await target.ConnectAsync(IPAddress.Loopback, TargetPort, ending.Token);
            var (inner, outer) = (target.GetStream(), client.GetStream());
            await Task.WhenAny(outer.CopyToAsync(inner, ending.Token), inner.CopyToAsync(outer, ending.Token));
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Cut, or an end has gone.
        }
        finally
        {
            open.TryRemove(client, out _);
            open.TryRemove(target, out _);
            client.Dispose();
        }
    }
}
