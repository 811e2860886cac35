using System.CommandLine;
using System.Globalization;
using VaeCluster.Config;
using VaeCluster.Worker.Profiling;

namespace VaeCluster.Commands;

/// <summary>Where a step's time goes, and what to change first.</summary>
internal static class ProfileCommand
{
    private static readonly Option<double> Seconds = new("--seconds")
    {
        Description = "For the configuration, and for each setting that is tried beside it.",
        HelpName = "s",
        DefaultValueFactory = _ => 5,
    };

    public static Command Create()
    {
        var command = new ExampleCommand("profile", "Measure where a step's time goes on this machine, and what to change first.",
            ("vaecluster profile --config digits.yaml", "parts of a step, images/s, FLOP/s of the machine's best, memory, advice"),
            ("vaecluster profile --config digits.yaml --seconds 20 --set train.threads=2", "measured longer, with another setting"))
        {
            TrainCommand.ConfigFile, Seconds, TrainCommand.Switches,
        };
        command.SetAction(Measure);
        return command;
    }

    private static void Measure(ParseResult parsed)
    {
        var output = parsed.InvocationConfiguration.Output;
        var seconds = parsed.GetValue(Seconds);
        if (seconds is not (> 0 and <= 3600)) throw new UserErrorException($"--seconds {seconds}: must be above 0, and at most 3600.");
        using var interruption = new Interruption();
        var switches = parsed.GetValue(TrainCommand.Switches) ?? [];
        var environment = Environment.GetEnvironmentVariables();
        RunConfig Load(IReadOnlyList<string> more) => (parsed.GetValue(TrainCommand.ConfigFile) is { } file
            ? ConfigSources.FromFile(file, [.. switches, .. more], environment)
            : new ConfigSources { Text = DefaultConfig.Text, Name = DefaultConfig.Name, Switches = [.. switches, .. more], Environment = environment }).Load();
        Show(Profiler.Measure(Load, TimeSpan.FromSeconds(seconds), what => parsed.InvocationConfiguration.Error.WriteLine($"measuring {what}"), interruption.Token), output);
    }

    private static void Show(Profile profile, TextWriter output)
    {
        var steps = profile.Steps;
        Line("steps", $"{steps.Steps} measured, {steps.Step * 1e3:F1} ms each");
        foreach (var (part, time) in new[] { ("data wait", steps.Data), ("forward", steps.Forward), ("backward", steps.Backward), ("optimizer", steps.Update), ("rest", steps.Rest) })
            Line($"  {part}", $"{time * 1e3,9:F2} ms {time / steps.Step,7:P1}");
        Line("images/s", $"{steps.ImagesPerSecond:F1}");
        Line("FLOP/s", $"{steps.FlopsPerSecond / 1e9:F1} G, {steps.FlopsPerSecond / profile.PeakFlopsPerSecond:P0} of the {profile.PeakFlopsPerSecond / 1e9:F1} G of a large matrix product here");
        Line("memory", $"{profile.ProcessBytes / 1e6:F0} MB at most, {profile.ModelBytes / 1e6:F1} MB of it weights, gradients, optimizer");
        Line("cores", $"{profile.Cores}, threads of a worker {profile.Threads}, slots {profile.Slots}");
        foreach (var probe in profile.Probes) Line("tried", $"{probe.Setting}: {probe.Gain:F2} times the images/s");
        output.WriteLine("change first");
        foreach (var (sentence, at) in Advice.Of(profile).Select((sentence, at) => (sentence, at + 1))) output.WriteLine($"  {at}. {sentence}");

        void Line(string name, FormattableString value) => output.WriteLine($"{name,-14}{value.ToString(CultureInfo.InvariantCulture)}");
    }
}
