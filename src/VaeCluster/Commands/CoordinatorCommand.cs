using System.CommandLine;
using VaeCluster.Cluster;
using VaeCluster.Config.Runs;
using VaeCluster.Coordinator;

namespace VaeCluster.Commands;

/// <summary>Leads a run: decides who computes which slots, and keeps its folder.</summary>
internal static class CoordinatorCommand
{
    private static readonly Option<string> Listen = new("--listen")
    {
        Description = "Where workers reach it: http://host:port, https://host:port or unix:/path/of/socket.",
        HelpName = "url",
        DefaultValueFactory = _ => new CoordinatorOptions().Listen,
    };

    private static readonly Option<string[]> Settings = HostArguments.Create(typeof(CoordinatorOptions));

    public static Command Create()
    {
        var command = new ExampleCommand("coordinator", "Lead a run that workers join: plans, journal, series, status.",
            ("vaecluster coordinator --run runs/digits --config digits.yaml", "for workers on this machine"),
            ("vaecluster coordinator --run /shared/digits --config digits.yaml --listen http://0.0.0.0:5000 --token-file token", "for workers anywhere"),
            ("vaecluster coordinator --run /shared/digits", "after it was stopped or killed: the run goes on where its workers are"),
            ("vaecluster coordinator --run runs/digits --option plans.min_members=4 lease.least=2s", "settings of the coordinator"))
        {
            TrainCommand.Folder, TrainCommand.ConfigFile, TrainCommand.Steps, TrainCommand.Resume, TrainCommand.Switches,
            Listen, HostArguments.TokenFile, HostArguments.AllowNoToken, HostArguments.Metrics, Settings, HostArguments.Attached,
        };
        command.SetAction(parsed =>
        {
            var options = new CoordinatorOptions();
            HostArguments.Bind(options, parsed, Settings, "VAECLUSTER_COORDINATOR__",
                (Listen, "listen"), (HostArguments.TokenFile, "token_file"), (HostArguments.AllowNoToken, "allow_no_token"),
                (HostArguments.Metrics, "metrics"));
            var attached = parsed.GetValue(HostArguments.Attached);
            using var interruption = new Interruption(attached);
            using var folder = RunFolder.Prepare(parsed.GetRequiredValue(TrainCommand.Folder));
            var config = TrainCommand.Sources(parsed, folder).Load();
            return new CoordinatedRun(folder, config, options)
            {
                Resume = TrainCommand.Choice(parsed),
                WorkersMayReturn = !attached,
            }.RunAsync(interruption.Token).GetAwaiter().GetResult();
        });
        return command;
    }
}
