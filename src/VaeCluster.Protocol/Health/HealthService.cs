using Grpc.Core;
using Microsoft.Extensions.Hosting;
using static VaeCluster.Protocol.Health.HealthCheckResponse.Types;

namespace VaeCluster.Protocol.Health;

/// <summary>grpc.health.v1 over <see cref="ServiceHealth"/>. When the host stops, watchers hear NOT_SERVING and then the end.</summary>
public sealed class HealthService(ServiceHealth health, IHostApplicationLifetime lifetime) : Health.HealthBase
{
    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context)
    {
        if (!health.Current.Statuses.TryGetValue(request.Service, out var status))
        {
            throw new RpcException(new Status(StatusCode.NotFound, $"There is no service {request.Service} here."));
        }
        return Task.FromResult(new HealthCheckResponse { Status = lifetime.ApplicationStopping.IsCancellationRequested ? ServingStatus.NotServing : status });
    }

    public override async Task Watch(
        HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        ServingStatus? sent = null;
        while (!ending.IsCancellationRequested)
        {
            var snapshot = health.Current;
            var status = snapshot.Statuses.GetValueOrDefault(request.Service, ServingStatus.ServiceUnknown);
            if (status != sent) await responseStream.WriteAsync(new HealthCheckResponse { Status = status }).ConfigureAwait(false);
            sent = status;
            await snapshot.Changed.WaitAsync(ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (context.CancellationToken.IsCancellationRequested) return;
        if (sent == ServingStatus.Serving) await responseStream.WriteAsync(new HealthCheckResponse { Status = ServingStatus.NotServing }).ConfigureAwait(false);
        throw new RpcException(new Status(StatusCode.Unavailable, "The server is stopping."));
    }
}
