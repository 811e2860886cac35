using Grpc.Core;

namespace Grpc.Tests.Calls;

/// <summary>The official client and server with generated stubs, on the contract assemblies.</summary>
public sealed class CallKindsTests
{
    [Fact]
    public async Task Unary_WithMetadata_ReturnsResponseHeadersAndTrailers()
    {
        await using var server = await EchoServer.StartAsync();
        using var channel = server.Connect();
        Metadata headers = new() { { "x-text", "v" }, { "x-blob-bin", [0, 255, 7] } };

        using var call = new Echo.EchoClient(channel).UnaryAsync(new Item { Text = "hello" }, EchoServer.Options(headers));

        Assert.Equal("hello", (await call).Text);
        Assert.Equal("/vaecluster.tests.Echo/Unary", (await call.ResponseHeadersAsync).GetValue("x-method"));
        Assert.Equal("v", call.GetTrailers().GetValue("x-text"));
        Assert.Equal([0, 255, 7], call.GetTrailers().GetValueBytes("x-blob-bin")!);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Unary_Blocking_Returns()
    {
        await using var server = await EchoServer.StartAsync();
        using var channel = server.Connect();

        Assert.Equal("hello", new Echo.EchoClient(channel).Unary(new Item { Text = "hello" }, EchoServer.Options()).Text);
    }

    [Fact]
    public async Task Unary_Failing_ThrowsStatusAndTrailers()
    {
        await using var server = await EchoServer.StartAsync();
        using var channel = server.Connect();

        var exception = await Assert.ThrowsAsync<RpcException>(() => new Echo.EchoClient(channel)
            .UnaryAsync(new Item { Text = "fail" }, EchoServer.Options()).ResponseAsync);

        Assert.Equal((StatusCode.DataLoss, "as asked"), (exception.StatusCode, exception.Status.Detail));
        Assert.Equal("test", exception.Trailers.GetValue("x-why"));
    }

    [Fact]
    public async Task Upload_AllRequests_AreInTheResponse()
    {
        await using var server = await EchoServer.StartAsync();
        using var channel = server.Connect();
        using var call = new Echo.EchoClient(channel).Upload(EchoServer.Options());

        foreach (var text in new[] { "a", "b", "c" }) await call.RequestStream.WriteAsync(new Item { Text = text }, TestContext.Current.CancellationToken);
        await call.RequestStream.CompleteAsync();

        Assert.Equal("a b c", (await call).Text);
    }

    [Fact]
    public async Task Download_AllResponses_Arrive()
    {
        await using var server = await EchoServer.StartAsync();
        using var channel = server.Connect();
        using var call = new Echo.EchoClient(channel).Download(new Item { Text = "a b c" }, EchoServer.Options());

        var texts = new List<string>();
        await foreach (var item in call.ResponseStream.ReadAllAsync(TestContext.Current.CancellationToken)) texts.Add(item.Text);

        Assert.Equal(["a", "b", "c"], texts);
    }

    [Fact]
    public async Task Chat_EachRequest_IsAnsweredBeforeTheNext()
    {
        await using var server = await EchoServer.StartAsync();
        using var channel = server.Connect();
        using var call = new Echo.EchoClient(channel).Chat(EchoServer.Options());

        foreach (var text in new[] { "a", "b", "c" })
        {
            await call.RequestStream.WriteAsync(new Item { Text = text }, TestContext.Current.CancellationToken);
            Assert.True(await call.ResponseStream.MoveNext());
            Assert.Equal(text, call.ResponseStream.Current.Text);
        }
        await call.RequestStream.CompleteAsync();

        Assert.False(await call.ResponseStream.MoveNext());
    }
}
