using Microsoft.AspNetCore.Builder;
using VaeCluster.Protocol.Segments;

namespace VaeCluster.Protocol.Tests.Segments;

/// <summary>Alone in its process, because it counts what the process allocates.</summary>
[CollectionDefinition(nameof(SegmentAllocationTests), DisableParallelization = true)]
[Collection(nameof(SegmentAllocationTests))]
public sealed class SegmentAllocationTests
{
    [Fact]
    public async Task Exchange_OfManySegments_AllocatesNoPayloads()
    {
        const int SegmentBytes = 512 * 1024;
        const int Segments = 200;
        var source = new byte[SegmentBytes];
        var destination = new byte[SegmentBytes];
        await using var server = await TestServer.StartAsync(app => app.MapGrpcService(SegmentExchange.Serve(
            new Sink((_, _) => SegmentPlace.Into(destination)), SegmentExchangeTests.AnswerEach)));
        using var channel = server.Connect();
        using var call = SegmentExchange.Open(channel.CreateCallInvoker(), Deadline.Call);
        await SendAsync(20); // the pools fill

        var before = GC.GetTotalAllocatedBytes(precise: true);
        await SendAsync(Segments);
        var perSegment = (GC.GetTotalAllocatedBytes(precise: true) - before) / Segments;

        // Both sides together: frames' tasks and messages, but nothing of a payload's size.
        Assert.InRange(perSegment, 0, SegmentBytes / 8);

        async Task SendAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                await call.RequestStream.WriteAsync(new SegmentMessage(new SegmentHeader { Run = "r" }, source), TestContext.Current.CancellationToken);
                Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
            }
        }
    }
}
