using System.IO.Compression;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Grpc.Net.Compression;

namespace Grpc.Tests.Calls;

/// <summary>What stands around a call: interceptors on both sides, credentials, compression.</summary>
public sealed class AroundCallsTests
{
    [Fact]
    public async Task Interceptors_OfClientAndServer_SeeTheCallInOrder()
    {
        await using var server = await EchoServer.StartAsync(options => options.Interceptors.Add<Suffix>("<server"));
        using var channel = server.Connect();
        var invoker = channel.Intercept(new Suffix("<outer"), new Suffix("<inner")).Intercept(headers =>
        {
            headers.Add("x-added", "yes");
            return headers;
        });
        using var call = new Echo.EchoClient(invoker).UnaryAsync(new Item { Text = "" }, EchoServer.Options());

        Assert.Equal("<outer<inner<server", (await call).Text);
        Assert.Equal("yes", call.GetTrailers().GetValue("x-added"));
    }

    [Fact]
    public async Task Interceptor_ThatOverridesNothing_PassesStreamsOn()
    {
        await using var server = await EchoServer.StartAsync(options => options.Interceptors.Add<Nothing>());
        using var channel = server.Connect();
        var client = new Echo.EchoClient(channel.Intercept(new Nothing()));

        using var download = client.Download(new Item { Text = "a" }, EchoServer.Options());
        Assert.True(await download.ResponseStream.MoveNext());
        using var upload = client.Upload(EchoServer.Options());
        await upload.RequestStream.CompleteAsync();
        Assert.Equal("", (await upload).Text);
        using var chat = client.Chat(EchoServer.Options());
        await chat.RequestStream.CompleteAsync();
        Assert.False(await chat.ResponseStream.MoveNext());
        Assert.Equal("b", client.Unary(new Item { Text = "b" }, EchoServer.Options()).Text);
    }

    [Fact]
    public async Task CallCredentials_Composed_AllReachTheServer()
    {
        await using var server = await EchoServer.StartAsync();
        var credentials = CallCredentials.Compose(Adding("x-one"), Adding("x-two"));
        using var channel = server.Connect(new GrpcChannelOptions
        {
            Credentials = ChannelCredentials.Create(ChannelCredentials.Insecure, credentials),
            UnsafeUseInsecureChannelCallCredentials = true,
        });
        using var call = new Echo.EchoClient(channel).UnaryAsync(new Item(), EchoServer.Options());
        await call;

        Assert.Equal("/vaecluster.tests.Echo", new Uri(call.GetTrailers().GetValue("x-one")!).AbsolutePath);
        Assert.NotNull(call.GetTrailers().Get("x-two"));

        static CallCredentials Adding(string key) => CallCredentials.FromInterceptor((context, metadata) =>
        {
            metadata.Add(key, context.ServiceUrl);
            return Task.CompletedTask;
        });
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task Compression_OfBothSides_GivesTheMessageBack(string encoding)
    {
        var provider = new Counting(encoding == "gzip"
            ? new GzipCompressionProvider(CompressionLevel.Fastest)
            : new DeflateCompressionProvider(CompressionLevel.Fastest));
        await using var server = await EchoServer.StartAsync(options =>
        {
            options.CompressionProviders = [provider];
            options.ResponseCompressionAlgorithm = encoding;
        });
        using var channel = server.Connect(new GrpcChannelOptions { CompressionProviders = [provider] });
        var text = new string('a', 100_000);

        var answer = await new Echo.EchoClient(channel).UnaryAsync(
            new Item { Text = text }, EchoServer.Options(new Metadata { { "grpc-internal-encoding-request", encoding } }));

        Assert.Equal(text, answer.Text);
        Assert.Equal((2, 2), (provider.Compressed, provider.Decompressed));
    }

    [Fact]
    public void WithHost_OfAClient_ReachesTheInvoker()
    {
        var invoker = new Recording();
        var client = new Echo.EchoClient(invoker);

        Assert.Throws<NotSupportedException>(() => client.WithHost("elsewhere").Unary(new Item(), EchoServer.Options()));
        Assert.Equal("elsewhere", invoker.Host);
        Assert.Throws<NotSupportedException>(() => client.Unary(new Item(), EchoServer.Options()));
        Assert.Null(invoker.Host);
    }

    [Fact]
    public void Client_WithoutAChannel_SaysSo() =>
        Assert.Throws<NotImplementedException>(() => new ChannellessClient().Unary(new Item(), EchoServer.Options()));

    private sealed class ChannellessClient : Echo.EchoClient;

    private sealed class Nothing : Interceptor;

    private sealed class Counting(ICompressionProvider provider) : ICompressionProvider
    {
        private int compressed;
        private int decompressed;

        public int Compressed => compressed;

        public int Decompressed => decompressed;

        public string EncodingName => provider.EncodingName;

        public Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel)
        {
            Interlocked.Increment(ref compressed);
            return provider.CreateCompressionStream(stream, compressionLevel);
        }

        public Stream CreateDecompressionStream(Stream stream)
        {
            Interlocked.Increment(ref decompressed);
            return provider.CreateDecompressionStream(stream);
        }
    }

    private sealed class Recording : CallInvoker
    {
        public string? Host { get; private set; }

        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        {
            Host = host;
            throw new NotSupportedException();
        }

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();
    }

    private sealed class Suffix(string suffix) : Interceptor
    {
        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation) =>
            continuation(With(request), context);

        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
            TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
            continuation(With(request), context);

        private TRequest With<TRequest>(TRequest request)
            where TRequest : class
        {
            ((Item)(object)request).Text += suffix;
            return request;
        }
    }
}
