using System.CommandLine;
using VaeCluster.Coordinator.Status;
using VaeCluster.Status;

namespace VaeCluster.Commands;

/// <summary>How a run is, asked of its coordinator: once, or again and again.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "Print the whole status as JSON, its keys in snake_case." };
        var watch = new Option<bool>("--watch") { Description = "Show it anew each second, until the run is finished or Ctrl-C." };
        var command = new ExampleCommand("status", "Show how a run is: members, plan and its reason, rates, who is slow.",
            ("vaecluster status http://127.0.0.1:5000", "the run that this coordinator leads"),
            ("vaecluster status http://127.0.0.1:5000 --watch", "the same, drawn anew each second"),
            ("vaecluster status https://node1:5000 --token-file token --tls-authorities ca.pem", "from elsewhere, with the run's token"),
            ("vaecluster status http://127.0.0.1:5000 --json | jq .completed_steps", "one value of it"))
        {
            CoordinatorAccess.Url, json, watch, CoordinatorAccess.TokenFile,
            CoordinatorAccess.Authorities, CoordinatorAccess.Certificate, CoordinatorAccess.Key,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(json) && result.GetValue(watch)) result.AddError("--json and --watch exclude each other: give one of them.");
        });
        command.SetAction(parsed => ShowAsync(parsed, parsed.GetValue(json), parsed.GetValue(watch)).GetAwaiter().GetResult());
        return command;
    }

    private static async Task<int> ShowAsync(ParseResult parsed, bool json, bool watch)
    {
        var output = parsed.InvocationConfiguration.Output;
        using var interruption = new Interruption();
        using var coordinator = CoordinatorAccess.From(parsed);
        if (watch)
        {
            var page = new StatusWatch(coordinator, Terminal.On(output), TimeProvider.System);
            try
            {
                await (Terminal.IsLive ? page.LiveAsync(interruption.Token) : page.PlainAsync(interruption.Token)).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
            {
                // Ctrl-C is how a watch ends.
            }
            return ExitCodes.Success;
        }
        var status = await coordinator.GetStatusAsync(interruption.Token).ConfigureAwait(false);
        if (json) output.WriteLine(StatusView.ToJson(status));
        else Terminal.On(output).Write(StatusPage.Of(status));
        return ExitCodes.Success;
    }
}
