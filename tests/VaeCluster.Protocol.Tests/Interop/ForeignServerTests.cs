using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using VaeCluster.Protocol.Transport;

namespace VaeCluster.Protocol.Tests.Interop;

/// <summary>Our client against grpcio's server.</summary>
public sealed class ForeignServerTests(Python python)
{
    [Fact]
    public async Task Unary_WithMetadata_ComesBack()
    {
        await using var server = await ForeignServer.StartAsync(python);
        Metadata headers = new() { { "x-text", "v" }, { "x-blob-bin", [0, 255, 7] } };
        using var call = server.Client.EchoAsync(new Item { Text = "hello ☃", Data = ByteString.CopyFrom(0, 255) }, Deadline.Call.WithHeaders(headers));

        var answer = await call;

        Assert.Equal(new Item { Text = "hello ☃", Data = ByteString.CopyFrom(0, 255) }, answer);
        var received = await call.ResponseHeadersAsync;
        Assert.Equal("v", received.GetValue("h-text"));
        Assert.Equal([0, 255, 7], received.GetValueBytes("h-blob-bin")!);
        Assert.Equal("v", call.GetTrailers().GetValue("t-text"));
        Assert.Equal([0, 255, 7], call.GetTrailers().GetValueBytes("t-blob-bin")!);
    }

    [Fact]
    public async Task Upload_HundredMebibytes_ArriveWhole()
    {
        await using var server = await ForeignServer.StartAsync(python);
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var call = server.Client.Upload(Deadline.Call);

        for (var number = 0; number < 100; number++)
        {
            var piece = InteropService.Pattern(number, 1 << 20);
            digest.AppendData(piece);
            await call.RequestStream.WriteAsync(new Item { Data = UnsafeByteOperations.UnsafeWrap(piece) }, TestContext.Current.CancellationToken);
        }
        await call.RequestStream.CompleteAsync();

        var summary = await call;
        Assert.Equal((100u, 100ul << 20), (summary.Count, summary.Bytes));
        Assert.Equal(digest.GetCurrentHash(), summary.Sha256.ToByteArray());
    }

    [Fact]
    public async Task Download_HundredMebibytes_ArriveWhole()
    {
        await using var server = await ForeignServer.StartAsync(python);
        using var call = server.Client.Download(new Order { Count = 100, Bytes = 1 << 20 }, Deadline.Call);

        var number = 0;
        await foreach (var item in call.ResponseStream.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            Assert.True(item.Data.Span.SequenceEqual(InteropService.Pattern(number, 1 << 20)), $"Item {number} is not what was ordered.");
            number++;
        }

        Assert.Equal(100, number);
    }

    [Fact]
    public async Task Chat_EachRequest_IsAnsweredBeforeTheNext()
    {
        await using var server = await ForeignServer.StartAsync(python);
        using var call = server.Client.Chat(Deadline.Call);

        foreach (var text in new[] { "a", "b", "c" })
        {
            await call.RequestStream.WriteAsync(new Item { Text = text }, TestContext.Current.CancellationToken);
            Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
            Assert.Equal(text, call.ResponseStream.Current.Text);
        }
        await call.RequestStream.CompleteAsync();

        Assert.False(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Fail_EachStatus_ArrivesWithItsDetailsAndTrailers()
    {
        await using var server = await ForeignServer.StartAsync(python);
        foreach (var code in Enum.GetValues<StatusCode>().Where(code => code != StatusCode.OK))
        {
            var detail = $"naïve ☃ 100% {code}\nsecond line";

            var exception = await Assert.ThrowsAsync<RpcException>(() =>
                server.Client.FailAsync(new Failure { Code = (uint)code, Detail = detail }, Deadline.Call).ResponseAsync);

            Assert.Equal((code, detail), (exception.StatusCode, exception.Status.Detail));
            Assert.Equal([0, 255], exception.Trailers.GetValueBytes("why-bin")!);
        }
    }

    [Fact]
    public async Task Deadline_WhenPassed_IsSeenOnBothSides()
    {
        await using var server = await ForeignServer.StartAsync(python);
        using var call = server.Client.Hang(new Item { Text = "deadline" }, Deadline.Call.WithDeadline(DateTime.UtcNow.AddSeconds(2)));
        Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));

        var exception = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));

        Assert.Equal(StatusCode.DeadlineExceeded, exception.StatusCode);
        var seen = await server.Client.HowItEndedAsync(new Item { Text = "deadline" }, Deadline.Call);
        Assert.True(seen.Cancelled);
        Assert.InRange(seen.SecondsLeft, double.Epsilon, 2);
    }

    [Fact]
    public async Task Cancel_OfAWaitingCall_IsSeenOnBothSides()
    {
        await using var server = await ForeignServer.StartAsync(python);
        using var source = new CancellationTokenSource();
        using var call = server.Client.Hang(new Item { Text = "cancel" }, Deadline.Call.WithCancellationToken(source.Token));
        Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        await source.CancelAsync();

        var exception = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));

        Assert.Equal(StatusCode.Cancelled, exception.StatusCode);
        Assert.True((await server.Client.HowItEndedAsync(new Item { Text = "cancel" }, Deadline.Call)).Cancelled);
    }

    [Fact]
    public async Task Crowd_AThousandCallsAtOnce_AreAnswered()
    {
        await using var server = await ForeignServer.StartAsync(python);
        var options = Deadline.Call;

        await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => server.Client.CrowdAsync(new Order { Count = 1000 }, options).ResponseAsync));
    }

    [Fact]
    public async Task Unary_OverUnixSocket_ComesBack()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ForeignServer.StartAsync(python, "unix:" + folder.File("interop.sock"));

        Assert.Equal("a", (await server.Client.EchoAsync(new Item { Text = "a" }, Deadline.Call)).Text);
    }

    [Fact]
    public async Task Unary_OverMutualTls_ComesBack()
    {
        using var files = new CertificateFiles();
        await using var server = await ForeignServer.StartAsync(python, "127.0.0.1:0", files);

        Assert.Equal("a", (await server.Client.EchoAsync(new Item { Text = "a" }, Deadline.Call)).Text);
    }
}

/// <summary>interop_server.py with a channel to it.</summary>
internal sealed class ForeignServer : IAsyncDisposable
{
    private readonly PythonProcess process;
    private readonly TransportChannels channels;
    private readonly GrpcChannel channel;

    private ForeignServer(PythonProcess process, TransportChannels channels, TransportAddress address)
    {
        this.process = process;
        this.channels = channels;
        channel = channels.Connect(address);
        Client = new Interop.InteropClient(channel);
    }

    public Interop.InteropClient Client { get; }

    public GrpcChannel Channel => channel;

    public static async Task<ForeignServer> StartAsync(Python python, string listen = "127.0.0.1:0", CertificateFiles? tls = null)
    {
        string[] files = tls is null ? [] : [tls.Server(true).Certificate!, tls.Server(true).Key!, tls.Server(true).Authorities!];
        var process = python.Run("interop_server.py", [listen, .. files]);
        var port = await process.ReadLineAsync();
        var address = listen.StartsWith("unix:", StringComparison.Ordinal) ? listen : $"{(tls is null ? "http" : "https")}://127.0.0.1:{port}";
        return new ForeignServer(process, new TransportChannels(new TransportOptions { Tls = tls?.Client }), TransportAddress.Parse(address));
    }

    /// <summary>What the server prints for each segment.</summary>
    public Task<string> ReadLineAsync() => process.ReadLineAsync();

    public async ValueTask DisposeAsync()
    {
        channel.Dispose();
        channels.Dispose();
        using (process) await process.FinishAsync();
    }
}
