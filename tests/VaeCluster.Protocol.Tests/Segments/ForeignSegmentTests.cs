using System.Security.Cryptography;
using System.Text.Json;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using VaeCluster.Protocol.Segments;
using VaeCluster.Protocol.Tests.Interop;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Protocol.Tests.Segments;

/// <summary>The hand-written segment and plain protobuf in Python read what the other writes.</summary>
public sealed class ForeignSegmentTests(Python python)
{
    [Fact]
    public async Task Read_SegmentsOfPlainProtobuf_GivesEachField()
    {
        var headers = new List<SegmentHeader>();
        var payloads = new List<byte[]>();
        var sink = new Sink((header, bytes) =>
        {
            headers.Add(header);
            payloads.Add(new byte[bytes]);
            return SegmentPlace.Into(payloads[^1]);
        });
        await using var server = await TestServer.StartAsync(app => app.MapGrpcService(SegmentExchange.Serve(sink, AnswerKnown)));
        using var client = python.Run("interop_client.py", "segments", server.ForeignAddress);

        await client.FinishAsync();

        Assert.Equal(4, headers.Count);
        for (var number = 0; number < 4; number++)
        {
            Assert.Equal(Header(number) with { Chunk = uint.MaxValue }, headers[number]);
            Assert.True(payloads[number].AsSpan().SequenceEqual(InteropService.Pattern(number, 300_001 * number)), $"Payload {number} differs.");
        }
        // A stream's segments share one string.
        Assert.Same(headers[0].Run, headers[3].Run);

        static async Task AnswerKnown(IAsyncStreamReader<SegmentMessage> segments, IServerStreamWriter<Receipt> receipts, ServerCallContext context)
        {
            await foreach (var segment in segments.ReadAllAsync(context.CancellationToken))
            {
                var known = new Generation { Term = segment.Header.KnownGeneration.Term, Number = segment.Header.KnownGeneration.Number };
                await receipts.WriteAsync(new Receipt { KnownGeneration = known, Step = segment.Header.Step }, context.CancellationToken);
            }
        }
    }

    [Fact]
    public async Task Write_ToPlainProtobuf_IsReadFieldByField()
    {
        await using var server = await ForeignServer.StartAsync(python);
        using var call = SegmentExchange.Open(server.Channel.CreateCallInvoker(), Deadline.Call);

        for (var number = 0; number < 4; number++)
        {
            var payload = InteropService.Pattern(number, 300_001 * number);
            await call.RequestStream.WriteAsync(new SegmentMessage(Header(number), payload), TestContext.Current.CancellationToken);
            Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
            Assert.Equal(new Receipt { KnownGeneration = new Generation { Term = 4 }, Step = 1ul << 63 }, call.ResponseStream.Current);

            var read = JsonDocument.Parse(await server.ReadLineAsync()).RootElement;
            Assert.Equal("mnist-1", read.GetProperty("run").GetString());
            Assert.Equal([3, 1L << 40], read.GetProperty("generation").EnumerateArray().Select(value => value.GetInt64()));
            Assert.Equal([4, 0], read.GetProperty("known_generation").EnumerateArray().Select(value => value.GetInt64()));
            Assert.Equal(1ul << 63, read.GetProperty("step").GetUInt64());
            Assert.Equal(number, read.GetProperty("bucket").GetInt32());
            Assert.Equal(0, read.GetProperty("chunk").GetInt32());
            Assert.Equal("PHASE_GATHER", read.GetProperty("phase").GetString());
            Assert.Equal("WIRE_FORMAT_BFLOAT16", read.GetProperty("format").GetString());
            Assert.Equal(number * 1000, read.GetProperty("offset").GetInt32());
            Assert.Equal(4, read.GetProperty("first_slot").GetInt32());
            Assert.Equal(2, read.GetProperty("slots").GetInt32());
            Assert.Equal(1, read.GetProperty("sender").GetInt32());
            Assert.Equal(payload.Length, read.GetProperty("bytes").GetInt32());
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(payload)), read.GetProperty("sha256").GetString());
        }
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
    }

    private static SegmentHeader Header(int number) => new()
    {
        Run = "mnist-1",
        Generation = new PlanGeneration(3, 1ul << 40),
        KnownGeneration = new PlanGeneration(4, 0),
        Step = 1ul << 63,
        Bucket = (uint)number,
        Phase = Phase.Gather,
        Format = WireFormat.Bfloat16,
        Offset = (ulong)number * 1000,
        FirstSlot = 4,
        Slots = 2,
        Sender = 1,
    };
}
