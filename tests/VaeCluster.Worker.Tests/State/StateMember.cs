using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using VaeCluster.Worker.Links;
using VaeCluster.Worker.State;
using Generation = VaeCluster.Collectives.Generation;

namespace VaeCluster.Worker.Tests.State;

/// <summary>A member that serves its state: a function of the steps that it has completed, which anyone can make up.</summary>
internal sealed class StateMember : IAsyncDisposable
{
    public const string Run = "run-1";

    /// <summary>Odd lengths, so that there is something between the parts; several pieces, the last one not whole.</summary>
    public static readonly StateLayout Layout = new([("weights", 5_000_001), ("optimizer", 9_999_937), ("counters", 24), ("empty", 0)]);

    private LoopbackServer server = null!;

    private StateMember(string id, StateOptions options)
    {
        (Id, Source) = (id, new StateSource(options));
        Service = new StateTransferService(Source, () => Run, options);
    }

    public string Id { get; }

    public StateSource Source { get; }

    public StateTransferService Service { get; }

    /// <summary>Snapshots that were taken, to look whether they are still in memory.</summary>
    public ConcurrentQueue<StateSnapshot> Taken { get; } = new();

    public PlanMember Member => new(Id, server.Address, default, CopiesState: false, "boot");

    public static async Task<StateMember> StartAsync(string id, StateOptions? options = null)
    {
        var member = new StateMember(id, options ?? new StateOptions());
        member.Source.Attach(Layout);
        member.server = await LoopbackServer.StartAsync(app => app.MapGrpcService<StateTransferService>(), services: services => services.AddSingleton(member.Service));
        return member;
    }

    /// <summary>The training thread, between two steps.</summary>
    public void AtBoundary(long completedSteps, bool always = false, ulong number = 1) => Source.AtBoundary(new Generation(1, number), completedSteps, always, snapshot =>
    {
        Taken.Enqueue(snapshot);
        Fill(snapshot);
    });

    public void Cut() => server.Cut();

    /// <summary>Whether the memory of each snapshot has been given back.</summary>
    public bool IsFreed => Taken.All(snapshot =>
    {
        if (!snapshot.TryHold()) return true;
        snapshot.Dispose();
        return false;
    });

    public static void Fill(StateSnapshot snapshot)
    {
        foreach (var part in Layout.Parts.Where(part => part.Bytes > 0)) new Random((int)snapshot.CompletedSteps * 7 + part.Name.Length).NextBytes(snapshot[part.Name]);
    }

    /// <summary>The hash of the state after so many steps.</summary>
    public static byte[] HashAfter(long completedSteps)
    {
        using var snapshot = new StateSnapshot(Layout, completedSteps);
        Fill(snapshot);
        return snapshot.Hash();
    }

    public async ValueTask DisposeAsync()
    {
        Source.Dispose();
        await server.DisposeAsync();
    }
}
