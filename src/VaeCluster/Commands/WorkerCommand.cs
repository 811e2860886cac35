using System.CommandLine;
using VaeCluster.Cluster;
using VaeCluster.Worker.Hosting;

namespace VaeCluster.Commands;

/// <summary>Joins a run and computes its share of each step.</summary>
internal static class WorkerCommand
{
    private static readonly Option<string> Coordinator = new("--coordinator")
    {
        Description = "The coordinator: http://host:port, https://host:port or unix:/path/of/socket.",
        HelpName = "url",
        Required = true,
    };

    private static readonly Option<string?> Id = new("--id") { Description = "A name that stays over restarts; the machine's where it is not given.", HelpName = "name" };

    private static readonly Option<string?> Device = new("--device") { Description = "cpu, cuda:N, or auto: the first GPU where there is one.", HelpName = "device" };

    private static readonly Option<string?> Listen = new("--listen")
    {
        Description = "Where other workers reach this one; port 0 takes a free one.",
        HelpName = "url",
    };

    private static readonly Option<string?> Advertise = new("--advertise") { Description = "The address that others are told, where that is another one.", HelpName = "url" };

    private static readonly Option<string?> Folder = new("--run")
    {
        Description = "The run's folder as this machine sees it, where it has another path than on the coordinator's.",
        HelpName = "dir",
    };

    private static readonly Option<string[]> Settings = HostArguments.Create(typeof(WorkerOptions));

    public static Command Create()
    {
        var command = new ExampleCommand("worker", "Join a run and compute a share of each step.",
            ("vaecluster worker --coordinator http://127.0.0.1:5000", "on the coordinator's machine"),
            ("vaecluster worker --coordinator http://node1:5000 --listen http://0.0.0.0:5001 --advertise http://node2:5001 --token-file token", "on another one"),
            ("vaecluster worker --coordinator http://node1:5000 --device cuda:1 --id node1-gpu1", "the second GPU"))
        {
            Coordinator, Id, Device, Listen, Advertise, Folder, HostArguments.TokenFile, HostArguments.AllowNoToken, HostArguments.Metrics, Settings, HostArguments.Attached,
        };
        command.SetAction(parsed =>
        {
            var options = new WorkerOptions();
            HostArguments.Bind(options, parsed, Settings, "VAECLUSTER_WORKER__",
                (Coordinator, "coordinator"), (Id, "id"), (Device, "device"), (Listen, "listen"), (Advertise, "advertise"), (Folder, "run_folder"),
                (HostArguments.TokenFile, "token_file"), (HostArguments.AllowNoToken, "allow_no_token"), (HostArguments.Metrics, "metrics"));
            using var interruption = new Interruption(parsed.GetValue(HostArguments.Attached));
            return WorkerRun.RunAsync(options, interruption.Token).GetAwaiter().GetResult();
        });
        return command;
    }
}
