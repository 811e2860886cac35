using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using TorchSharp;
using VaeCluster.Checkpoints;
using VaeCluster.Config;
using VaeCluster.Config.Runs;
using VaeCluster.Protocol.Access;
using VaeCluster.Protocol.Health;
using VaeCluster.Protocol.Metrics;
using VaeCluster.Protocol.Transport;
using VaeCluster.Protocol.V1;
using VaeCluster.Torch;
using VaeCluster.Worker.Checkpoints;
using VaeCluster.Worker.Control;
using VaeCluster.Worker.Links;
using VaeCluster.Worker.Metrics;
using VaeCluster.Worker.State;
using VaeCluster.Worker.Training;

namespace VaeCluster.Worker.Hosting;

/// <summary>How a worker's work ended.</summary>
public enum WorkerEnd
{
    /// <summary>The run's last step is done and recorded.</summary>
    Completed,

    /// <summary>It was asked to leave, and has left.</summary>
    Left,

    /// <summary>The run has failed, or this worker has.</summary>
    Failed,
}

/// <summary>
/// A worker: listens for the other members, keeps its stream to the coordinator, and trains on a thread of its own.
/// </summary>
public sealed class WorkerHost : IControlHost, IAsyncDisposable
{
    private static readonly TimeSpan FarewellTime = TimeSpan.FromSeconds(5);

    private readonly WorkerOptions options;
    private readonly ILogger logger;
    private readonly ILoggerFactory logs;
    private readonly TransportServer server;
    private readonly TransportChannels channels;
    private readonly PeerChannel coordinator;
    private readonly PeerDialer dialer;
    private readonly PeerLosses losses;
    private readonly PeerLinks links;
    private readonly StateSource source = new();
    private readonly StateTransferService transfers;
    private readonly CoordinatorConnection connection;
    private readonly WebApplication app;
    private readonly string bootId = ReadBootId();
    private readonly Mailbox mailbox = new();
    private readonly ServiceHealth health = new();
    private readonly WorkerMetrics metrics = new(Prometheus.Metrics.DefaultFactory);
    private readonly TrainingTime time;
    private readonly TaskCompletionSource<Welcome> welcomed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource stopping = new();
    private readonly Lazy<Task> disposal;
    private volatile string instance = NewInstance();
    private volatile Member? member;
    private volatile string? leaving;

    /// <summary>The device's memory is the process' own.</summary>
    private volatile bool computesInMemory;
    private MetricsEndpoint? endpoints;
    private string endpoint = "";

    /// <summary>The newest generation that has come, on the connection's tasks.</summary>
    private Collectives.Generation heard;

    /// <summary>The newest plan that has come gives this worker a part without slots. On the connection's tasks.</summary>
    private bool isSpare;

    /// <exception cref="UserErrorException">A setting is wrong.</exception>
    public WorkerHost(WorkerOptions options, Action<ILoggingBuilder> logging)
    {
        this.options = options;
        time = new TrainingTime(metrics);
        var listen = TransportAddress.Parse(options.Listen);
        var token = SharedToken.Load(options.TokenFile);
        if (token is null && !options.AllowNoToken && !listen.IsLocal)
        {
            throw new UserErrorException($"--listen: {options.Listen} is reached from beyond this machine, and there is no token. "
                + $"Give --token-file or set {SharedToken.Variable}, or let everyone in with --allow-no-token.");
        }
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = [] });
        builder.Logging.ClearProviders();
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("Grpc", LogLevel.None);
        logging(builder.Logging);
        server = new TransportServer(options.Transport);
        server.AddTo(builder.Services);
        builder.WebHost.ConfigureKestrel(kestrel => server.Listen(kestrel, listen));
        health.Set(ServiceHealth.Ready, serving: false);
        transfers = new StateTransferService(source, () => connection!.Run is { Length: > 0 } run ? run : null);
        builder.Services.AddSingleton(health).AddSingleton(transfers);
        app = builder.Build();
        logs = app.Services.GetRequiredService<ILoggerFactory>();
        logger = logs.CreateLogger<WorkerHost>();

        channels = new TransportChannels(options.Transport, null);
        dialer = new PeerDialer(channels, token is null ? null : token.Attach);
        coordinator = dialer.Dial(TransportAddress.Parse(options.Coordinator));
        connection = new CoordinatorConnection(coordinator.Invoker, this, logs: logs);
        losses = new PeerLosses(connection, () => member, (act, reason) => Post(act, true, reason), stopping.Token);
        links = new PeerLinks(options.Id, dialer, losses.Add, logs: logs);
        disposal = new(EndAsync);
        app.UseSharedToken(token);
        app.MapGrpcService(links.Service);
        app.MapGrpcService<StateTransferService>();
        app.MapGrpcService<HealthService>();
    }

    /// <summary>Trains until the run is done, this worker has left, or can't go on.</summary>
    /// <exception cref="UserErrorException">The coordinator does not take this worker, or its data or settings can't be trained.</exception>
    public async Task<WorkerEnd> RunAsync()
    {
        // 1. Reachable, before anybody is told the address.
        try
        {
            await app.StartAsync().ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            throw new UserErrorException($"--listen: {options.Listen} can't be listened on: {exception.Message}", exception);
        }
        endpoint = options.Advertise ?? Bound();
        HostingLog.Listens(logger, options.Id, endpoint, instance);
        Prometheus.Metrics.DefaultRegistry.AddBeforeCollectCallback(BringUpToDate);
        endpoints = await MetricsEndpoint.StartAsync(options.Metrics, health: health).ConfigureAwait(false);
        HostingLog.Metrics(logger, endpoints.Address);

        // 2. Known to the coordinator, which says what is trained.
        var connecting = connection.RunAsync(stopping.Token);
        var left = Task.Delay(Timeout.Infinite, stopping.Token);
        await Task.WhenAny(welcomed.Task, connecting, left).ConfigureAwait(false);
        if (!welcomed.Task.IsCompleted) return connecting.IsCompleted && !stopping.IsCancellationRequested ? throw Refusal(await connecting.ConfigureAwait(false)) : WorkerEnd.Left;

        // 3. The training, on a thread of its own.
        var training = new TaskCompletionSource<MemberEnd>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() => Train(welcomed.Task.Result, training)) { Name = "training", IsBackground = true };
        thread.Start();
        await Task.WhenAny(training.Task, connecting).ConfigureAwait(false);
        if (!training.Task.IsCompleted && !stopping.IsCancellationRequested) throw Refusal(await connecting.ConfigureAwait(false));

        // 4. Farewell: what others wait for is sent, and the coordinator knows.
        MemberEnd end;
        try
        {
            end = await training.Task.ConfigureAwait(false);
        }
        catch (UserErrorException exception)
        {
            await FarewellAsync(exception.Message).ConfigureAwait(false);
            throw;
        }
        await links.DrainAsync().WaitAsync(FarewellTime).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await FarewellAsync(end.Reason).ConfigureAwait(false);
        HostingLog.Left(logger, end.Reason);
        if (end.Exception is { } failure) throw failure is UserErrorException ? failure : new InvalidOperationException($"{end.Reason} The worker is out of the run.", failure);
        return end.Kind switch
        {
            MemberEndKind.Completed => WorkerEnd.Completed,
            MemberEndKind.Left => WorkerEnd.Left,
            _ => WorkerEnd.Failed,
        };
    }

    /// <summary>Asks to leave: the step in hand is finished, others take the slots. Any thread, at any time.</summary>
    public void Leave(string reason)
    {
        if (Interlocked.CompareExchange(ref leaving, reason, null) is not null) return;
        if (!welcomed.Task.IsCompleted) stopping.Cancel();
        else
        {
            mailbox.Post(() => member?.Leave(reason));
            _ = losses.EndRoundAloneAsync();
        }
    }

    /// <summary>Stops it. Another call waits for the same end.</summary>
    public ValueTask DisposeAsync() => new(disposal.Value);

    private async Task EndAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        source.Dispose();
        await links.DisposeAsync().ConfigureAwait(false);
        coordinator.Dispose();
        if (endpoints is not null) await endpoints.DisposeAsync().ConfigureAwait(false);
        await app.StopAsync().ConfigureAwait(false);
        await app.DisposeAsync().ConfigureAwait(false);
        channels.Dispose();
        server.Dispose();
        mailbox.Dispose();
        stopping.Dispose();
    }

    // ---- IControlHost, on the connection's tasks

    Hello IControlHost.DescribeSelf()
    {
        var hello = new Hello
        {
            WorkerId = options.Id,
            Instance = instance,
            Endpoint = endpoint,
            MostSlots = (uint)options.MostSlots,
            Host = Environment.MachineName,
            ProcessId = (uint)Environment.ProcessId,
            BootId = bootId,
        };
        if (member is not { Standing: { IsReady: true } standing } ready) return hello;
        if (standing.CompletedSteps is { } steps) hello.CompletedSteps = (ulong)steps;
        (hello.Plan, hello.NextPlan, hello.Ready) = (standing.Plan?.Message, standing.Next?.Message, ready.ReadyMessage());
        return hello;
    }

    Heartbeat? IControlHost.TakeHeartbeat()
    {
        var heartbeat = new Heartbeat();
        if (member is not { } known) return heartbeat;
        var standing = known.Standing;
        if (standing.CompletedSteps is { } steps) heartbeat.CompletedSteps = (ulong)steps;
        heartbeat.Generation = standing.Plan?.Message.Generation;
        heartbeat.Copied = known.CopiedShare;
        if (computesInMemory) heartbeat.DeviceBytes = (ulong)Environment.WorkingSet;
        known.Pace.WriteTo(heartbeat);
        return heartbeat;
    }

    void IControlHost.Received(CoordinatorMessage message)
    {
        switch (message.ContentCase)
        {
            case CoordinatorMessage.ContentOneofCase.Welcome:
                welcomed.TrySetResult(message.Welcome);
                break;
            case CoordinatorMessage.ContentOneofCase.Plan:
                var plan = message.Plan;
                Post(() => member!.Hear(plan), IsNew(plan.Generation) && EndsRound(plan), plan.Reason);
                break;
            case CoordinatorMessage.ContentOneofCase.Halt:
                var halt = message.Halt;
                Post(() => member!.Hear(halt), IsNew(halt.Generation), halt.Reason);
                break;
            case CoordinatorMessage.ContentOneofCase.Restore:
                Post(() => member!.Hear(message.Restore), false, message.Restore.Reason);
                break;
            case CoordinatorMessage.ContentOneofCase.Finish:
                var finish = message.Finish;
                // A spare that is behind may never get what its round waits for; whoever computes has done the last one.
                Post(() => member!.Hear(finish), finish.Kind != Finish.Types.Kind.Completed || isSpare, finish.Reason);
                break;
        }
    }

    private void Post(Action act, bool ends, string reason)
    {
        mailbox.Post(act, ends);
        // Whoever waits in the exchange comes back at once.
        if (ends) member?.Exchange.End(reason);
    }

    private bool IsNew(Generation? generation)
    {
        if (generation is null) return false;
        var told = new Collectives.Generation(generation.Term, generation.Number);
        if (told <= heard) return false;
        heard = told;
        return true;
    }

    /// <summary>A plan that begins here and now; or one without a spare, to which nothing more may come that would end its round.</summary>
    private bool EndsRound(Plan plan)
    {
        var part = plan.Members.FirstOrDefault(part => part.WorkerId == options.Id);
        var isOut = isSpare && part is null;
        isSpare = part is { Slots: 0 };
        return plan.HasFirstStep || isOut;
    }

    // ---- the training thread

    private void Train(Welcome welcome, TaskCompletionSource<MemberEnd> done)
    {
        try
        {
            var config = new ConfigSources { Text = welcome.Config, Name = "the coordinator's configuration" }.Load();
            // Before anything loads libtorch, which asks for its threads once.
            TorchRuntime.Start(config.Train.Threads, config.Train.Deterministic);
            var device = DeviceName.Parse(options.Device);
            var arena = config.Cluster.Transport == LinkTransport.Auto ? links.Share() : null;
            using var parts = new TrainingParts(config, device, stopping.Token, arena);
            computesInMemory = device.type == DeviceType.CPU;
            parts.Step.WarmUp();
            var folder = FolderOf(welcome);
            var checkpoints = folder is null && config.Checkpoints.Storage is null ? null
                : RunCheckpoints.Open(config, folder?.Path ?? "", parts.Data.Manifest.Id, Saved);
            try
            {
                var output = new RunOutput(parts, folder, checkpoints, logger);
                using var training = new Member(options.Id, welcome.Run, parts, connection, links, dialer, source, mailbox, output, metrics, time, arena, ComeBack, logger);
                HostingLog.Ready(logger, parts.State.Model.ParameterCount, parts.State.TotalSteps, parts.Data.Manifest.Id[..12]);
                member = training;
                health.Set(ServiceHealth.Ready, serving: true);
                if (leaving is { } reason) mailbox.Post(() => training.Leave(reason));
                done.SetResult(training.Run());
                member = null;
            }
            finally
            {
                checkpoints?.DisposeAsync().AsTask().GetAwaiter().GetResult();
            }
        }
        catch (Exception exception)
        {
            done.TrySetException(exception);
        }
    }

    /// <summary>What metrics tell of counters elsewhere, before each scrape.</summary>
    private void BringUpToDate()
    {
        if (member is not { } known) return;
        metrics.Traffic((known.Exchange.BytesSent, known.Exchange.BytesReceived), (links.BytesShared, known.Exchange.BytesTaken), transfers.BytesSent, links.Refused);
        metrics.Pace(known.Images, known.Pace.SlotSeconds);
    }

    private void ComeBack()
    {
        instance = NewInstance();
        connection.Reconnect();
    }

    private void Saved(CheckpointOutcome outcome)
    {
        if (outcome is not CheckpointRestored) metrics.Checkpoint(outcome);
        if (outcome.IsWarning) HostingLog.CheckpointTrouble(logger, outcome.Sentence);
        else HostingLog.Checkpoint(logger, outcome.Sentence);
        if (outcome is CheckpointSaved saved)
            connection.Send(new WorkerMessage { CheckpointWritten = new() { CompletedSteps = (ulong)saved.Step, Path = saved.Name } });
    }

    private RunFolder? FolderOf(Welcome welcome)
    {
        var path = options.RunFolder ?? welcome.Folder;
        if (options.RunFolder is null && !Directory.Exists(path))
        {
            HostingLog.Ignored(logger, $"The run's folder {path} is not to be seen here: this worker writes no pictures and no final weights, and checkpoints only where they have another place. Name it with --run.");
            return null;
        }
        return RunFolder.Open(path);
    }

    private async Task FarewellAsync(string reason)
    {
        connection.Send(new WorkerMessage { Goodbye = new() { Kind = Goodbye.Types.Kind.LeaveDone, Reason = MemberReports.Brief(reason) } });
        // Who has heard it ends the stream.
        var flushed = connection.FlushAsync(FarewellTime, stopping.Token);
        while (!flushed.IsCompleted && connection.IsConnected) await Task.Delay(TimeSpan.FromMilliseconds(5)).ConfigureAwait(false);
        await stopping.CancelAsync().ConfigureAwait(false);
    }

    private static UserErrorException Refusal(ConnectionOutcome outcome) => new($"The coordinator does not take this worker: {outcome.Reason}");

    private string Bound() => options.Listen.StartsWith("unix:", StringComparison.Ordinal)
        ? options.Listen
        : app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    private static string ReadBootId() =>
        File.Exists("/proc/sys/kernel/random/boot_id") ? File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim() : "";

    private static string NewInstance() => Guid.NewGuid().ToString("N")[..16];
}
