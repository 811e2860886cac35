using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using VaeCluster.Protocol.Segments;
using VaeCluster.Protocol.Tests;
using VaeCluster.Protocol.Tests.Transport;
using VaeCluster.Protocol.Transport;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Cluster.Tests;

/// <summary>Somebody who found a port of the cluster, and knows the protocol where that helps.</summary>
internal sealed class HostilePeer : IDisposable
{
    private readonly Uri target;
    private readonly TransportChannels channels = new(new TransportOptions());
    private readonly GrpcChannel channel;
    private readonly List<IDisposable> kept = [];

    public HostilePeer(string address)
    {
        target = new Uri(address);
        channel = channels.Connect(TransportAddress.Parse(address));
    }

    public Membership.MembershipClient Membership => new(channel);

    /// <summary>Bytes that are no protocol, frames that are none, and headers of frames that promise more than there is.</summary>
    public async Task SendGarbageAsync(int seed, int connections)
    {
        var random = new Random(seed);
        for (var i = 0; i < connections; i++)
        {
            var noise = new byte[random.Next(1, 20_000)];
            random.NextBytes(noise);
            await SendAsync((i % 4) switch
            {
                0 => noise,
                1 => [.. RawConnection.Preface, .. noise],
                2 => [.. RawConnection.Preface, .. RawConnection.Frame(RawConnection.Settings, 0, 0, []), .. RawConnection.Frame((byte)random.Next(12), (byte)random.Next(256), random.Next(5), noise)],
                _ => [.. RawConnection.Preface, .. RawConnection.Frame(RawConnection.Data, 0, 1, [], length: (1 << 24) - 1)],
            });
        }
    }

    /// <summary>The status of a call whose message claims to have so many bytes.</summary>
    public async Task<StatusCode> SendMessageAsync(string path, byte[] bytes, uint length)
    {
        using var http = new HttpClient { BaseAddress = target };
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(RawConnection.Message(bytes, length: length)) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };
        using var response = await Deadline.For(http.SendAsync(request), $"an answer from {path}");
        await Deadline.For(response.Content.ReadAsByteArrayAsync(), $"the end of {path}");
        return (StatusCode)int.Parse(response.Headers.Concat(response.TrailingHeaders).Single(header => header.Key == "grpc-status").Value.Single());
    }

    /// <summary>The status of a stream of segments that says this of itself.</summary>
    public async Task<StatusCode> OpenStreamAsync(string run, string generation, string worker, string rank)
    {
        using var call = SegmentExchange.Open(channel.CreateCallInvoker(), new CallOptions(Identity(run, generation, worker, rank)));
        return await StatusOfAsync(call.ResponseStream);
    }

    /// <summary>A stream that nobody answers, kept open.</summary>
    public void KeepStream(string run, string generation, string worker, string rank) =>
        kept.Add(SegmentExchange.Open(channel.CreateCallInvoker(), new CallOptions(Identity(run, generation, worker, rank))));

    /// <summary>The coordinator's last answer to a hello and the messages that follow, and the status that ends the call.</summary>
    /// <param name="keep">Stays, as a worker that never gets ready.</param>
    /// <param name="hello">The first message.</param>
    /// <param name="more">Sent once it is answered.</param>
    public async Task<(CoordinatorMessage? Answer, StatusCode Status)> JoinAsync(bool keep, WorkerMessage hello, params WorkerMessage[] more)
    {
        var call = Membership.Join();
        if (keep) lock (kept) kept.Add(call);
        CoordinatorMessage? answer = null;
        try
        {
            await Deadline.For(call.RequestStream.WriteAsync(hello), "a hello to go");
            if (await Deadline.For(call.ResponseStream.MoveNext(CancellationToken.None), "an answer")) answer = call.ResponseStream.Current;
            if (keep) return (answer, StatusCode.OK);
            foreach (var message in more) await Deadline.For(call.RequestStream.WriteAsync(message), "a message to go");
            await Deadline.For(call.RequestStream.CompleteAsync(), "the end to go");
            while (await Deadline.For(call.ResponseStream.MoveNext(CancellationToken.None), "the call's end")) answer = call.ResponseStream.Current;
            return (answer, StatusCode.OK);
        }
        catch (RpcException exception)
        {
            return (answer, exception.StatusCode);
        }
        catch (IOException)
        {
            // ENHANCE_YOUR_CALM: the server has ended a connection with too many streams that were given up.
            return (answer, StatusCode.Unavailable);
        }
        finally
        {
            if (!keep) call.Dispose();
        }
    }

    /// <summary>A call whose answers are never read: the window for them is 0 bytes.</summary>
    public async Task<RawConnection> CallWithoutReadingAsync(string path, IEnumerable<IMessage> messages)
    {
        var connection = await RawConnection.OpenAsync(target);
        kept.Add(connection);
        var bytes = new MemoryStream();
        bytes.Write(RawConnection.Preface);
        // SETTINGS_INITIAL_WINDOW_SIZE (4): RFC 9113, section 6.5.2.
        bytes.Write(RawConnection.Frame(RawConnection.Settings, 0, 0, [0, 4, 0, 0, 0, 0]));
        bytes.Write(RawConnection.Frame(RawConnection.Headers, RawConnection.EndHeaders, 1, RawConnection.HeaderBlock(path)));
        foreach (var message in messages) bytes.Write(RawConnection.Frame(RawConnection.Data, 0, 1, RawConnection.Message(message.ToByteArray())));
        await connection.SendAsync(bytes.ToArray());
        return connection;
    }

    public void Dispose()
    {
        foreach (var each in kept) each.Dispose();
        channel.Dispose();
        channels.Dispose();
    }

    private async Task SendAsync(byte[] bytes)
    {
        using var connection = await RawConnection.OpenAsync(target);
        try
        {
            await connection.SendAsync(bytes);
        }
        catch (SocketException)
        {
            // The server had heard enough.
        }
        await connection.FinishAsync();
    }

    private static Metadata Identity(string run, string generation, string worker, string rank) => new()
    {
        { "vaecluster-run-bin", Encoding.UTF8.GetBytes(run) },
        { "vaecluster-generation", generation },
        { "vaecluster-worker", worker },
        { "vaecluster-rank", rank },
    };

    private static async Task<StatusCode> StatusOfAsync<T>(IAsyncStreamReader<T> answers)
    {
        try
        {
            while (await Deadline.For(answers.MoveNext(CancellationToken.None), "the stream's end"))
            {
            }
            return StatusCode.OK;
        }
        catch (RpcException exception)
        {
            return exception.StatusCode;
        }
    }
}
