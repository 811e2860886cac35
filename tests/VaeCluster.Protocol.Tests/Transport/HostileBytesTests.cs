using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using VaeCluster.Protocol.Segments;
using VaeCluster.Protocol.Tests.Interop;
using VaeCluster.Protocol.Tests.Segments;

namespace VaeCluster.Protocol.Tests.Transport;

/// <summary>
/// Whatever comes at the port, the answer is the right status or a closed connection, nothing hangs, no memory stays out,
/// and the next call is served.
/// </summary>
public sealed class HostileBytesTests
{
    private const string EchoPath = "/vaecluster.tests.Interop/Echo";
    private const string ExchangePath = "/vaecluster.v1.Collective/Exchange";

    public static TheoryData<string, byte[], StatusCode> BrokenMessages => new()
    {
        // The prefix promises more than comes.
        { ExchangePath, RawConnection.Message([1, 2, 3], length: 100), StatusCode.Internal },
        { ExchangePath, [0, 0], StatusCode.Internal },
        { EchoPath, [], StatusCode.Internal },
        // Lengths beyond the limit, up to the largest that can be written.
        { ExchangePath, RawConnection.Message([], length: (8 << 20) + 1), StatusCode.ResourceExhausted },
        { ExchangePath, RawConnection.Message([], length: int.MaxValue), StatusCode.ResourceExhausted },
        // Compressed without saying how.
        { ExchangePath, RawConnection.Message([1], flag: 1), StatusCode.Internal },
        // A good frame around bytes that are no message.
        { ExchangePath, RawConnection.Message([0x20]), StatusCode.InvalidArgument },
        // The official server answers UNKNOWN to what throws in it: a length beyond its integers, a flag that is none,
        // and what generated code cannot parse.
        { ExchangePath, RawConnection.Message([], length: uint.MaxValue), StatusCode.Unknown },
        { ExchangePath, RawConnection.Message([1], flag: 7), StatusCode.Unknown },
        { EchoPath, RawConnection.Message([0x0A, 0x7F]), StatusCode.Unknown },
        { "/no.such.Service/Method", RawConnection.Message([]), StatusCode.Unimplemented },
    };

    [Theory]
    [MemberData(nameof(BrokenMessages))]
    public async Task Message_ThatIsBroken_EndsTheCallWithItsStatus(string path, byte[] body, StatusCode expected)
    {
        await using var server = await StartAsync();
        using var http = server.Http();
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };

        using var response = await Deadline.For(http.SendAsync(request, TestContext.Current.CancellationToken), "an answer");
        await Deadline.For(response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken), "the answer's end");

        var status = response.Headers.Concat(response.TrailingHeaders).Single(header => header.Key == "grpc-status").Value.Single();
        Assert.Equal(expected, (StatusCode)int.Parse(status));
        await AssertAliveAndCleanAsync(server);
    }

    [Fact]
    public async Task Http1_OnTheGrpcPort_IsABadRequest()
    {
        await using var server = await StartAsync();
        using (var connection = await RawConnection.OpenAsync(server.Address.Web!))
        {
            await connection.SendAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: test\r\n\r\n"));

            Assert.StartsWith("HTTP/1.1 400", Encoding.ASCII.GetString(await connection.ReadToEndAsync()), StringComparison.Ordinal);
        }
        await AssertAliveAndCleanAsync(server);
    }

    public static TheoryData<string, byte[], int> BrokenFrames => new()
    {
        // By RFC 9113: PROTOCOL_ERROR 1, FRAME_SIZE_ERROR 6, COMPRESSION_ERROR 9.
        { "a frame beyond the limit", RawConnection.Frame(RawConnection.Data, 0, 1, [], length: (1 << 24) - 1), 6 },
        { "data on stream 0", RawConnection.Frame(RawConnection.Data, 0, 0, [1]), 1 },
        { "settings of 5 bytes", RawConnection.Frame(RawConnection.Settings, 0, 0, [0, 0, 0, 0, 0]), 6 },
        { "headers on an even stream", RawConnection.Frame(RawConnection.Headers, RawConnection.EndHeaders, 2, RawConnection.HeaderBlock(EchoPath)), 1 },
        { "headers that are no HPACK", RawConnection.Frame(RawConnection.Headers, RawConnection.EndHeaders, 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), 9 },
        { "a continuation of nothing", RawConnection.Frame(RawConnection.Continuation, RawConnection.EndHeaders, 1, []), 1 },
    };

    [Theory]
    [MemberData(nameof(BrokenFrames))]
    public async Task Frame_AgainstTheRules_EndsTheConnectionWithItsError(string what, byte[] frame, int error)
    {
        await using var server = await StartAsync();
        using (var connection = await RawConnection.OpenAsync(server.Address.Web!))
        {
            await connection.SendAsync([.. RawConnection.Preface, .. RawConnection.Frame(RawConnection.Settings, 0, 0, []), .. frame]);

            Assert.True(error == ErrorOfGoAway(await connection.ReadToEndAsync()), what);
        }
        await AssertAliveAndCleanAsync(server);
    }

    [Fact]
    public async Task Call_CutOffAtAnyByte_LeavesNothingBehind()
    {
        await using var server = await StartAsync();
        var call = RawConnection.Call(EchoPath, new Item { Text = "cut off" }.ToByteArray());
        for (var length = 0; length < call.Length; length += 3)
        {
            using var connection = await RawConnection.OpenAsync(server.Address.Web!);
            await connection.SendAsync(call[..length]);
            if (length % 2 == 0) connection.Reset();
            else await connection.FinishAsync();
        }
        await AssertAliveAndCleanAsync(server);
    }

    [Fact]
    public async Task Segment_SenderResetsInTheMiddle_EndsItsCallOnly()
    {
        await using var server = await StartAsync();
        using var channel = server.Connect();
        using var other = SegmentExchange.Open(channel.CreateCallInvoker(), Deadline.Call);
        byte[] start =
        [
            .. RawConnection.Preface,
            .. RawConnection.Frame(RawConnection.Settings, 0, 0, []),
            .. RawConnection.Frame(RawConnection.Headers, RawConnection.EndHeaders, 1, RawConnection.HeaderBlock(ExchangePath)),
            .. RawConnection.Frame(RawConnection.Data, 0, 1, RawConnection.Message(new byte[1000], length: 512 * 1024)),
        ];
        for (var i = 0; i < 20; i++)
        {
            using var connection = await RawConnection.OpenAsync(server.Address.Web!);
            await connection.SendAsync(i % 2 == 0 ? start : [.. start, .. RawConnection.Frame(RawConnection.ResetStream, 0, 1, [0, 0, 0, 8])]);
            connection.Reset();
        }

        await other.RequestStream.WriteAsync(new SegmentMessage(new SegmentHeader { Run = "r", Step = 3 }, new byte[1000]), TestContext.Current.CancellationToken);
        Assert.True(await other.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        Assert.Equal(3ul, other.ResponseStream.Current.Step);
        await other.RequestStream.CompleteAsync();
        Assert.False(await other.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        channel.Dispose();
        await AssertAliveAndCleanAsync(server);
    }

    /// <summary>Good calls with bytes changed, put in, taken out and cut off, from a fixed seed.</summary>
    [Fact]
    public async Task Fuzz_OfWholeConnections_NeverHangsOrLeaks()
    {
        await using var server = await StartAsync();
        var random = new Random(20261120);
        byte[][] calls =
        [
            RawConnection.Call(EchoPath, new Item { Text = "fuzz", Data = ByteString.CopyFrom(new byte[100]) }.ToByteArray()),
            RawConnection.Call(ExchangePath, SegmentBytes.Write(new SegmentHeader { Run = "r", Step = 1 }, new byte[200])),
        ];
        for (var round = 0; round < 40; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 25).Select(_ => SendAsync(Change([.. calls[random.Next(calls.Length)]]))));
        }
        await AssertAliveAndCleanAsync(server);

        async Task SendAsync(byte[] bytes)
        {
            using var connection = await RawConnection.OpenAsync(server.Address.Web!);
            try
            {
                await connection.SendAsync(bytes);
            }
            catch (System.Net.Sockets.SocketException)
            {
                // The server had heard enough.
            }
            await connection.FinishAsync();
        }

        byte[] Change(List<byte> bytes)
        {
            // Mostly behind the preface, without which the server listens to nothing.
            var from = random.Next(10) == 0 ? 0 : RawConnection.Preface.Length;
            for (var changes = random.Next(1, 6); changes > 0 && bytes.Count > from; changes--)
            {
                var at = random.Next(from, bytes.Count);
                switch (random.Next(5))
                {
                    case 0: bytes.RemoveRange(at, random.Next(Math.Min(bytes.Count - at, 20) + 1)); break;
                    case 1: bytes.InsertRange(at, Enumerable.Range(0, random.Next(20)).Select(_ => (byte)random.Next(256))); break;
                    case 2: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                    case 3: bytes.RemoveRange(at, bytes.Count - at); break;
                    default: bytes[at] = (byte)random.Next(256); break;
                }
            }
            return [.. bytes];
        }
    }

    private static Task<TestServer> StartAsync() => TestServer.StartAsync(
        app =>
        {
            app.MapGrpcService<InteropService>();
            var sink = new Sink((_, bytes) => SegmentPlace.Into(new byte[bytes]));
            app.MapGrpcService(SegmentExchange.Serve(sink, SegmentExchangeTests.AnswerEach));
        },
        services => services.AddSingleton<InteropService>());

    /// <summary>A call is served, and when its connection has closed too, no block of memory is out.</summary>
    private static async Task AssertAliveAndCleanAsync(TestServer server)
    {
        using (var channel = server.Connect())
        {
            Assert.Equal("alive", (await new Interop.Interop.InteropClient(channel).EchoAsync(new Item { Text = "alive" }, Deadline.Call)).Text);
        }
        await Deadline.Until(() => server.Memory.RentedBlocks == 0, () => $"{server.Memory.RentedBlocks} blocks to come back");
    }

    private static int ErrorOfGoAway(ReadOnlySpan<byte> frames)
    {
        while (frames.Length >= 9)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(frames) >>> 8;
            if (frames[3] == RawConnection.GoAway) return BinaryPrimitives.ReadInt32BigEndian(frames[13..]);
            frames = frames[(9 + length)..];
        }
        return -1;
    }
}
