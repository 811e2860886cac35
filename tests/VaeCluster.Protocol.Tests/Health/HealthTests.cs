using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using VaeCluster.Protocol.Access;
using VaeCluster.Protocol.Health;
using VaeCluster.Protocol.Tests.Interop;
using static VaeCluster.Protocol.Health.HealthCheckResponse.Types;
using Client = VaeCluster.Protocol.Health.Health.HealthClient;

namespace VaeCluster.Protocol.Tests.Health;

public sealed class HealthTests(Python python)
{
    [Fact]
    public async Task Check_OfTheServerAndItsServices_IsTheirStatus()
    {
        var health = new ServiceHealth();
        health.Set("worker", serving: false);
        await using var server = await StartAsync(health);
        using var channel = server.Connect();
        var client = new Client(channel);

        Assert.Equal(ServingStatus.Serving, (await client.CheckAsync(new HealthCheckRequest(), Deadline.Call)).Status);
        Assert.Equal(ServingStatus.NotServing, (await client.CheckAsync(new HealthCheckRequest { Service = "worker" }, Deadline.Call)).Status);
        var unknown = await Assert.ThrowsAsync<RpcException>(() => client.CheckAsync(new HealthCheckRequest { Service = "no.such" }, Deadline.Call).ResponseAsync);
        Assert.Equal(StatusCode.NotFound, unknown.StatusCode);
        health.Set("", serving: false);
        Assert.Equal(ServingStatus.NotServing, (await client.CheckAsync(new HealthCheckRequest(), Deadline.Call)).Status);
    }

    [Fact]
    public async Task Check_WithoutTheToken_IsAnsweredAndNothingElseIs()
    {
        var token = SharedToken.Parse("0123456789abcdef");
        await using var server = await TestServer.StartAsync(app =>
        {
            app.UseSharedToken(token);
            app.MapGrpcService<HealthService>();
        }, services => services.AddSingleton(new ServiceHealth()));
        using var channel = server.Connect();

        Assert.Equal(ServingStatus.Serving, (await new Client(channel).CheckAsync(new HealthCheckRequest(), Deadline.Call)).Status);
        using var http = server.Http();
        foreach (var path in new[] { "/grpc.health.v1.HealthOfOthers/Check", "/vaecluster.v1.Membership/GetStatus", "/" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Version = new(2, 0), VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent([]) };
            request.Content.Headers.ContentType = new("application/grpc");
            using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal("16", response.Headers.GetValues("grpc-status").Single()); // UNAUTHENTICATED
        }
    }

    [Fact]
    public async Task Watch_WhenTheStatusChanges_SaysSoEachTime()
    {
        var health = new ServiceHealth();
        await using var server = await StartAsync(health);
        using var channel = server.Connect();
        using var watch = new Client(channel).Watch(new HealthCheckRequest { Service = "worker" }, Deadline.Call);

        Assert.Equal(ServingStatus.ServiceUnknown, await NextAsync(watch));
        health.Set("worker", serving: true);
        Assert.Equal(ServingStatus.Serving, await NextAsync(watch));
        // Nothing is said when nothing changes for this service.
        health.Set("other", serving: true);
        health.Set("worker", serving: true);
        health.Set("worker", serving: false);
        Assert.Equal(ServingStatus.NotServing, await NextAsync(watch));
    }

    [Fact]
    public async Task Watch_WhenTheHostStops_HearsItAndEnds()
    {
        await using var server = await StartAsync(new ServiceHealth());
        using var channel = server.Connect();
        using var watch = new Client(channel).Watch(new HealthCheckRequest(), Deadline.Call);
        Assert.Equal(ServingStatus.Serving, await NextAsync(watch));

        server.App.Lifetime.StopApplication();

        Assert.Equal(ServingStatus.NotServing, await NextAsync(watch));
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => NextAsync(watch))).StatusCode);
    }

    [Fact]
    public async Task ForeignClient_ChecksAndWatches_IsAnswered()
    {
        var health = new ServiceHealth();
        await using var server = await StartAsync(health);
        using var client = python.Run("interop_client.py", "health", server.ForeignAddress);

        Assert.Equal("SERVICE_UNKNOWN", await client.ReadLineAsync());
        health.Set("worker", serving: true);
        Assert.Equal("SERVING", await client.ReadLineAsync());
        health.Set("worker", serving: false);
        Assert.Equal("NOT_SERVING", await client.ReadLineAsync());
        health.Set("worker", serving: true);
        Assert.Equal("SERVING", await client.ReadLineAsync());
        await client.FinishAsync();
    }

    private static Task<TestServer> StartAsync(ServiceHealth health) =>
        TestServer.StartAsync(app => app.MapGrpcService<HealthService>(), services => services.AddSingleton(health));

    private static async Task<ServingStatus> NextAsync(AsyncServerStreamingCall<HealthCheckResponse> watch)
    {
        Assert.True(await watch.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        return watch.ResponseStream.Current.Status;
    }
}
