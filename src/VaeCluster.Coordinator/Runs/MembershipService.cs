using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Runs;

/// <summary>Translates between calls and the loop's events. Whoever breaks a rule is ended with a status, and counted.</summary>
internal sealed class MembershipService(
    RunLoop loop, CoordinatorOptions options, TimeProvider clock, IHostApplicationLifetime host)
    : MembershipCalls
{
    private const int BurstSeconds = 10;
    private static readonly TimeSpan HelloTime = TimeSpan.FromSeconds(10);

    private readonly RateLimit hellos = new(options.MostHellosPerSecond, 2.0 * options.MostHellosPerSecond, clock);

    public override async Task Join(
        IAsyncStreamReader<Wire.WorkerMessage> requestStream, IServerStreamWriter<Wire.CoordinatorMessage> responseStream, ServerCallContext context)
    {
        // 1. Who it is, soon.
        var hello = await HelloAsync(requestStream, context).ConfigureAwait(false);
        var stream = loop.OpenStream();
        try
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, host.ApplicationStopping, stream.Broken);
            await loop.PostAsync(new RunEvent.HelloHeard(stream.Number, hello), ending.Token).ConfigureAwait(false);

            // 2. Both directions, until one ends.
            var reading = ReadAsync(requestStream, stream, hello.Hello.WorkerId, ending.Token);
            var writing = WriteAsync(responseStream, stream, ending.Token);
            var first = await Task.WhenAny(reading, writing).ConfigureAwait(false);
            if (first == writing || !reading.IsCompletedSuccessfully) await ending.CancelAsync().ConfigureAwait(false);
            else stream.Close();
            // What has failed first tells why; the other one was cancelled for it.
            var second = first == reading ? writing : reading;
            await second.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await first.ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            throw Ending(stream, context);
        }
        finally
        {
            await loop.PostAsync(new RunEvent.StreamEnded(stream.Number, hello.Hello.WorkerId)).ConfigureAwait(false);
            loop.EndStream(stream);
        }
    }

    public override Task<Wire.RunStatus> GetStatus(Wire.GetStatusRequest request, ServerCallContext context) =>
        Task.FromResult(loop.Status);

    private async Task<Wire.WorkerMessage> HelloAsync(IAsyncStreamReader<Wire.WorkerMessage> requests, ServerCallContext context)
    {
        if (!hellos.TryTake()) throw Refused(Refusal.Rate, StatusCode.ResourceExhausted, "Too many workers come at once; try again in a second.");
        using var soon = new CancellationTokenSource(HelloTime, clock);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, host.ApplicationStopping, soon.Token);
        try
        {
            if (await requests.MoveNext(ending.Token).ConfigureAwait(false))
            {
                return MessageRules.Mistake(requests.Current, isFirst: true) is { } mistake
                    ? throw Refused(Refusal.Form, StatusCode.InvalidArgument, mistake)
                    : requests.Current;
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            if (!soon.IsCancellationRequested) throw new RpcException(new Grpc.Core.Status(StatusCode.Unavailable, "The call ended."));
        }
        throw Refused(Refusal.Form, StatusCode.InvalidArgument, "The first message is a hello.");
    }

    private async Task ReadAsync(
        IAsyncStreamReader<Wire.WorkerMessage> requests, WorkerStream stream, string worker, CancellationToken cancellationToken)
    {
        var messages = new RateLimit(options.MostMessagesPerSecond, (double)BurstSeconds * options.MostMessagesPerSecond, clock);
        while (await requests.MoveNext(cancellationToken).ConfigureAwait(false))
        {
            var message = requests.Current;
            if (!messages.TryTake())
                throw Refused(Refusal.Rate, StatusCode.ResourceExhausted, $"More than {options.MostMessagesPerSecond} messages a second.");
            if (MessageRules.Mistake(message, isFirst: false) is { } mistake) throw Refused(Refusal.Form, StatusCode.InvalidArgument, mistake);
            await loop.PostAsync(new RunEvent.MessageHeard(stream.Number, worker, message), cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task WriteAsync(
        IServerStreamWriter<Wire.CoordinatorMessage> responses, WorkerStream stream, CancellationToken cancellationToken)
    {
        await foreach (var message in stream.Unread.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            await responses.WriteAsync(message, cancellationToken).ConfigureAwait(false);
        }
    }

    private RpcException Ending(WorkerStream stream, ServerCallContext context)
    {
        if (!stream.Broken.IsCancellationRequested) return new RpcException(new Grpc.Core.Status(StatusCode.Unavailable, "The call ended."));
        // A worker that does not read would not read the status either.
        context.GetHttpContext().Abort();
        return new RpcException(new Grpc.Core.Status(StatusCode.ResourceExhausted, $"More than {options.MostUnread} messages unread."));
    }

    private RpcException Refused(Refusal what, StatusCode code, string reason)
    {
        loop.Refuse(what, reason);
        return new RpcException(new Grpc.Core.Status(code, reason));
    }
}
