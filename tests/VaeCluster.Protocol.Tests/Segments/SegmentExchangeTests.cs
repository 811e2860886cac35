using System.Runtime.InteropServices;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using VaeCluster.Protocol.Segments;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Protocol.Tests.Segments;

/// <summary>Segments through the product's server and channel.</summary>
public sealed class SegmentExchangeTests
{
    [Theory]
    [InlineData("http://127.0.0.1:0")]
    [InlineData("unix:")]
    public async Task Exchange_SegmentsOfABucket_LandInTheirPlaces(string listen)
    {
        const int SegmentBytes = 512 * 1024;
        using var folder = new TemporaryFolder();
        if (listen == "unix:") listen += folder.File("data.sock");
        var sent = new byte[4 * SegmentBytes];
        new Random(1).NextBytes(sent);
        var received = new byte[sent.Length];
        var sink = new Sink((header, bytes) => SegmentPlace.Into(received.AsMemory((int)header.Offset * sizeof(float), bytes)));
        await using var server = await TestServer.StartAsync(app => app.MapGrpcService(SegmentExchange.Serve(sink, AnswerEach)), listen: listen);
        using var channel = server.Connect();
        using var call = SegmentExchange.Open(channel.CreateCallInvoker(), Deadline.Call);

        for (var at = 0; at < sent.Length; at += SegmentBytes)
        {
            var header = new SegmentHeader { Run = "r", Step = 7, Offset = (ulong)at / sizeof(float), Phase = Phase.Reduce };
            await call.RequestStream.WriteAsync(new SegmentMessage(header, sent.AsMemory(at, SegmentBytes)), TestContext.Current.CancellationToken);
            Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
            Assert.Equal(7u, call.ResponseStream.Current.Step);
        }
        await call.RequestStream.CompleteAsync();

        Assert.False(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
        Assert.True(sent.AsSpan().SequenceEqual(received));
    }

    [Fact]
    public async Task Exchange_SkippedSegments_ReachTheHandlerWithoutPayload()
    {
        var skipped = 0;
        await using var server = await TestServer.StartAsync(app => app.MapGrpcService(SegmentExchange.Serve(
            new Sink((_, _) => SegmentPlace.Skip),
            async (segments, _, context) =>
            {
                await foreach (var segment in segments.ReadAllAsync(context.CancellationToken))
                {
                    if (segment is { Skipped: true, Payload.Length: 0 }) skipped++;
                }
            })));
        using var channel = server.Connect();
        using var call = SegmentExchange.Open(channel.CreateCallInvoker(), Deadline.Call);

        for (var i = 0; i < 3; i++) await call.RequestStream.WriteAsync(new SegmentMessage(new SegmentHeader { Run = "r" }, new byte[1000]), TestContext.Current.CancellationToken);
        await call.RequestStream.CompleteAsync();

        Assert.False(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        Assert.Equal(3, skipped);
    }

    [Fact]
    public async Task Exchange_RefusedSegment_EndsTheCallWithTheReason()
    {
        await using var server = await TestServer.StartAsync(app => app.MapGrpcService(SegmentExchange.Serve(
            new Sink((header, _) => SegmentPlace.Refuse($"left {header.Generation}")), AnswerEach)));
        using var channel = server.Connect();
        using var call = SegmentExchange.Open(channel.CreateCallInvoker(), Deadline.Call);
        await call.RequestStream.WriteAsync(
            new SegmentMessage(new SegmentHeader { Run = "r", Generation = new PlanGeneration(2, 5) }, new byte[1000]), TestContext.Current.CancellationToken);

        var exception = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));

        Assert.Equal((StatusCode.FailedPrecondition, "left 2.5"), (exception.StatusCode, exception.Status.Detail));
    }

    /// <summary>From memory that native code owns into such memory, as gradients are.</summary>
    [Fact]
    public async Task Exchange_NativeBuffers_CarryTheBytes()
    {
        const int Bytes = 1 << 20;
        var (from, to) = (Marshal.AllocHGlobal(Bytes), Marshal.AllocHGlobal(Bytes));
        try
        {
            using var source = new NativeBuffer(from, Bytes);
            using var destination = new NativeBuffer(to, Bytes);
            new Random(3).NextBytes(source.GetSpan());
            await using var server = await TestServer.StartAsync(app => app.MapGrpcService(SegmentExchange.Serve(
                new Sink((_, bytes) => SegmentPlace.Into(destination.Memory[..bytes])), AnswerEach)));
            using var channel = server.Connect();
            using var call = SegmentExchange.Open(channel.CreateCallInvoker(), Deadline.Call);

            await call.RequestStream.WriteAsync(new SegmentMessage(new SegmentHeader { Run = "r" }, source.Memory), TestContext.Current.CancellationToken);
            Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));

            Assert.True(source.GetSpan().SequenceEqual(destination.GetSpan()));
        }
        finally
        {
            Marshal.FreeHGlobal(from);
            Marshal.FreeHGlobal(to);
        }
    }

    internal static async Task AnswerEach(IAsyncStreamReader<SegmentMessage> segments, IServerStreamWriter<Receipt> receipts, ServerCallContext context)
    {
        await foreach (var segment in segments.ReadAllAsync(context.CancellationToken))
        {
            await receipts.WriteAsync(new Receipt { Step = segment.Header.Step }, context.CancellationToken);
        }
    }
}
