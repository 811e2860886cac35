using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Prometheus;
using VaeCluster.Coordinator.Membership;
using VaeCluster.Coordinator.Runs;
using VaeCluster.Coordinator.Status;
using VaeCluster.Protocol.Access;
using VaeCluster.Protocol.Health;
using VaeCluster.Protocol.Transport;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator;

/// <summary>
/// A coordinator, as a gRPC server with the loop behind it:
/// <list type="number">
/// <item>takes a term of the run,</item>
/// <item>listens,</item>
/// <item>coordinates until the run is finished, a newer coordinator takes over, or it is told to stop.</item>
/// </list>
/// It handles no signals and owns no metrics port; both are the program's.
/// </summary>
public sealed class CoordinatorHost : IAsyncDisposable
{
    // How long one that is told to stop hears workers: for a first or another to say that it leaves as well, and for all that do.
    private static readonly TimeSpan LeastHearing = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestHearing = TimeSpan.FromSeconds(20);

    private readonly WebApplication app;
    private readonly TransportServer transport;
    private readonly RunLoop loop;
    private readonly Journal journal;
    private readonly TimeProvider clock;
    private readonly CancellationTokenSource stopping = new();
    private readonly Lazy<Task> disposal;

    private CoordinatorHost(WebApplication app, TransportServer transport, RunLoop loop, Journal journal, CoordinatorLog log, string address, TimeProvider clock)
    {
        (this.app, this.transport, this.loop, this.journal, this.clock, Address) = (app, transport, loop, journal, clock, address);
        disposal = new(EndAsync);
        Completion = CoordinateAsync(log);
    }

    /// <summary>Where it listens, with the port that it has got.</summary>
    public string Address { get; }

    public string Run => loop.View.Run.Run;

    public ulong Term => loop.View.Run.Term;

    /// <summary>How the run is, at this moment. Any thread, also after the end.</summary>
    public Wire.RunStatus Status => loop.Status;

    /// <summary>How it ended. Fails where the journal has broken off.</summary>
    public Task<CoordinatorOutcome> Completion { get; }

    /// <summary>Starts, waits for the end, and stops.</summary>
    /// <inheritdoc cref="StartAsync"/>
    /// <param name="started">Given the coordinator once it listens.</param>
    public static async Task<CoordinatorOutcome> RunAsync(CoordinatorOptions options, RunDescription run, CancellationToken cancellationToken,
        Action<ILoggingBuilder>? logging = null, ServiceHealth? health = null, Action<CoordinatorHost>? started = null)
    {
        await using var host = await StartAsync(options, run, logging, health: health, cancellationToken: cancellationToken).ConfigureAwait(false);
        started?.Invoke(host);
        await Task.WhenAny(host.Completion, Task.Delay(Timeout.Infinite, cancellationToken)).ConfigureAwait(false);
        if (!host.Completion.IsCompleted)
        {
            await host.HearLeavingAsync().ConfigureAwait(false);
            await host.stopping.CancelAsync().ConfigureAwait(false);
        }
        return await host.Completion.ConfigureAwait(false);
    }

    /// <summary>An uninstall tells workers to stop in the same moment, one after the other: their last records have to be heard.</summary>
    private async Task HearLeavingAsync()
    {
        var (start, last) = (clock.GetTimestamp(), clock.GetTimestamp());
        while (!Completion.IsCompleted && clock.GetElapsedTime(last) < LeastHearing && clock.GetElapsedTime(start) < LongestHearing)
        {
            await ((Task)Task.WhenAny(Completion, Task.Delay(TimeSpan.FromMilliseconds(50), clock))).ConfigureAwait(false);
            if (loop.View.Run.Workers.Values.Any(worker => worker is { Stream: not null, IsReady: true, IsLeaving: true })) last = clock.GetTimestamp();
        }
    }

    /// <param name="options">What the user wrote.</param>
    /// <param name="run">What is trained.</param>
    /// <param name="logging">Where logs go; the console where it is not given.</param>
    /// <param name="metrics">Where metrics are made; the default registry where it is not given.</param>
    /// <param name="clock">The time.</param>
    /// <param name="health">Told when workers can come.</param>
    /// <param name="cancellationToken">Gives up starting.</param>
    /// <exception cref="UserErrorException">A setting is wrong, or the run's folder can't be written.</exception>
    public static async Task<CoordinatorHost> StartAsync(CoordinatorOptions options, RunDescription run, Action<ILoggingBuilder>? logging = null,
        IMetricFactory? metrics = null, TimeProvider? clock = null, ServiceHealth? health = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(run);
        clock ??= TimeProvider.System;
        var address = TransportAddress.Parse(options.Listen);
        var token = SharedToken.Load(options.TokenFile);
        if (token is null && !options.AllowNoToken && !address.IsLocal)
        {
            throw new UserErrorException($"coordinator.listen: {options.Listen} is reached from beyond this machine, and there is no token. "
                + $"Set coordinator.token_file or {SharedToken.Variable}, or coordinator.allow_no_token to let everyone in.");
        }

        // 1. The term, and what earlier ones have left.
        var storage = Path.Combine(run.Folder, "journal");
        var store = RunStore.TakeTerm(run.Folder, clock, run.NewestTerm);
        var local = options.JournalFolder is null ? null : Path.Combine(options.JournalFolder, store.Run);
        // The run's folder may have been brought back from a copy that is older than the journal.
        if (JournalReader.NewestTerm(local ?? storage) is var newest && newest >= store.Term) store = RunStore.TakeTerm(run.Folder, clock, newest);
        var nextStep = JournalReader.NextStep(local ?? storage) ?? JournalReader.NextStep(storage);
        if (run.BackTo < nextStep) nextStep = run.BackTo;
        var start = new RunSnapshot
        {
            Run = store.Run,
            Term = store.Term,
            Slots = run.Slots,
            Config = run.Config,
            Folder = Path.GetFullPath(run.Folder),
            MixedWorkers = run.MixedWorkers,
            TotalSteps = run.TotalSteps,
            ManifestId = run.ManifestId,
            Fingerprint = store.ReadFingerprint(),
            NextRecord = nextStep,
            RecordedSteps = nextStep ?? 0,
            AdoptUntil = run.WorkersMayReturn && !store.IsFirst ? options.Lease.ReturnTime : null,
        };

        // 2. The server.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = [] });
        builder.Logging.ClearProviders();
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("Grpc", LogLevel.Warning);
        if (logging is null) builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
        else logging(builder.Logging);
        var transport = new TransportServer(options.Transport);
        transport.AddTo(builder.Services);
        builder.WebHost.ConfigureKestrel(kestrel => transport.Listen(kestrel, address));
        var told = new CoordinatorMetrics(metrics ?? Metrics.DefaultFactory);
        told.Describe(store.Run, run);
        builder.Services.AddSingleton(options).AddSingleton(clock).AddSingleton(store).AddSingleton(health ??= new ServiceHealth())
            .AddSingleton(told)
            .AddSingleton<IHostLifetime, ProgramLifetime>()
            .AddSingleton(new RunMachine(start, options))
            .AddSingleton<CoordinatorLog>().AddSingleton<RunLoop>().AddSingleton<MembershipService>();
        var app = builder.Build();
        var (loop, log) = (app.Services.GetRequiredService<RunLoop>(), app.Services.GetRequiredService<CoordinatorLog>());
        app.UseSharedToken(token, () => loop.Refuse(Refusal.Token, "A call had no or a wrong token."));
        app.MapGrpcService<MembershipService>();
        app.MapGrpcService<HealthService>();

        // 3. The journal, and off. What a coordinator that was killed had not copied any more is copied now.
        if (local is not null) await Journal.CopyEarlierAsync(local, storage, loop.JournalFailed).ConfigureAwait(false);
        var journal = new Journal(local ?? storage, local is null ? null : storage, store.Term,
            before => loop.PostAsync(new RunEvent.Recorded(before)), loop.JournalFailed, clock);
        journal.Append(new TermEntry(store.Run, store.Term, run.Slots, Environment.MachineName, clock.GetUtcNow()));
        (loop.Journal, loop.StepDone, loop.Completed, loop.TraceSteps) = (journal, run.StepDone, run.Completed, run.TraceSteps);
        try
        {
            await app.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            await journal.DisposeAsync().ConfigureAwait(false);
            await app.DisposeAsync().ConfigureAwait(false);
            transport.Dispose();
            if (exception is IOException) throw new UserErrorException($"coordinator.listen: {options.Listen} can't be listened on: {exception.Message}", exception);
            throw;
        }
        var bound = address.SocketPath is not null
            ? address.ToString()
            : app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        health.Set(ServiceHealth.Ready, serving: true);
        log.Started(store.Run, store.Term, bound);
        return new CoordinatorHost(app, transport, loop, journal, log, bound, clock);
    }

    /// <summary>Stops it. Another call waits for the same end.</summary>
    public ValueTask DisposeAsync() => new(disposal.Value);

    private async Task EndAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await ((Task)Completion).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await app.StopAsync().ConfigureAwait(false);
        await app.DisposeAsync().ConfigureAwait(false);
        await journal.DisposeAsync().ConfigureAwait(false);
        transport.Dispose();
        stopping.Dispose();
    }

    private async Task<CoordinatorOutcome> CoordinateAsync(CoordinatorLog log)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
        var running = loop.RunAsync(ending.Token);
        // A journal that has broken off ends the coordinator: acknowledging without it would be a lie.
        await Task.WhenAny(running, journal.Completion).ConfigureAwait(false);
        await ending.CancelAsync().ConfigureAwait(false);
        CoordinatorOutcome outcome;
        try
        {
            outcome = await running.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            if (journal.Completion.IsFaulted) await journal.Completion.ConfigureAwait(false);
            outcome = loop.Outcome ?? new(CoordinatorEnd.Stopped, "The coordinator was told to stop; workers train on without it.");
        }
        log.Ended(outcome.End, outcome.Reason);
        return outcome;
    }

    /// <summary>Signals are the program's: the default one ends all calls in the moment of a SIGTERM.</summary>
    private sealed class ProgramLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
