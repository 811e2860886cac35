using System.Collections.Concurrent;
using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;

namespace VaeCluster.Protocol.Tests.Interop;

/// <summary>Interop on our side; interop_service.py is the same on the foreign one.</summary>
internal sealed class InteropService : Interop.InteropBase
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource<Seen>> endings = new();
    private readonly TaskCompletionSource crowdComplete = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int crowd;

    public static byte[] Pattern(int number, int size)
    {
        var bytes = new byte[size];
        for (var i = 0; i < size; i++) bytes[i] = (byte)(number + i);
        return bytes;
    }

    public override async Task<Item> Echo(Item request, ServerCallContext context)
    {
        var headers = new Metadata();
        foreach (var entry in context.RequestHeaders.Where(entry => entry.Key.StartsWith("x-", StringComparison.Ordinal)))
        {
            headers.Add(Renamed(entry, "h-"));
            context.ResponseTrailers.Add(Renamed(entry, "t-"));
        }
        await context.WriteResponseHeadersAsync(headers);
        return request;

        static Metadata.Entry Renamed(Metadata.Entry entry, string prefix) =>
            entry.IsBinary ? new(prefix + entry.Key[2..], entry.ValueBytes) : new(prefix + entry.Key[2..], entry.Value);
    }

    public override async Task<Summary> Upload(IAsyncStreamReader<Item> requestStream, ServerCallContext context)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var summary = new Summary();
        await foreach (var item in requestStream.ReadAllAsync(context.CancellationToken))
        {
            summary.Count++;
            summary.Bytes += (ulong)item.Data.Length;
            digest.AppendData(item.Data.Span);
        }
        summary.Sha256 = ByteString.CopyFrom(digest.GetCurrentHash());
        return summary;
    }

    public override async Task Download(Order request, IServerStreamWriter<Item> responseStream, ServerCallContext context)
    {
        for (var number = 0; number < request.Count; number++)
        {
            await responseStream.WriteAsync(new Item { Data = ByteString.CopyFrom(Pattern(number, (int)request.Bytes)) }, context.CancellationToken);
        }
    }

    public override async Task Chat(IAsyncStreamReader<Item> requestStream, IServerStreamWriter<Item> responseStream, ServerCallContext context)
    {
        await foreach (var item in requestStream.ReadAllAsync(context.CancellationToken)) await responseStream.WriteAsync(item, context.CancellationToken);
    }

    public override Task<Item> Fail(Failure request, ServerCallContext context) =>
        throw new RpcException(new Status((StatusCode)request.Code, request.Detail), new Metadata { { "why-bin", [0, 255] } });

    public override async Task Hang(Item request, IServerStreamWriter<Item> responseStream, ServerCallContext context)
    {
        var left = context.Deadline == DateTime.MaxValue ? 0 : (context.Deadline - DateTime.UtcNow).TotalSeconds;
        await responseStream.WriteAsync(request, context.CancellationToken);
        await Task.Delay(TimeSpan.FromMinutes(1), context.CancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Ending(request.Text).SetResult(new Seen { SecondsLeft = left, Cancelled = context.CancellationToken.IsCancellationRequested });
    }

    public override Task<Seen> HowItEnded(Item request, ServerCallContext context) =>
        Ending(request.Text).Task.WaitAsync(context.CancellationToken);

    public override async Task<Item> Crowd(Order request, ServerCallContext context)
    {
        if (Interlocked.Increment(ref crowd) == request.Count) crowdComplete.SetResult();
        await crowdComplete.Task.WaitAsync(context.CancellationToken);
        return new Item();
    }

    private TaskCompletionSource<Seen> Ending(string key) =>
        endings.GetOrAdd(key, _ => new TaskCompletionSource<Seen>(TaskCreationOptions.RunContinuationsAsynchronously));
}
