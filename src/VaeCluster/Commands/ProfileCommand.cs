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

    private static readonly Option<bool> Layers = new("--layers") { Description = "Each layer too, by itself." };

    public static Command Create()
    {
        var command = new ExampleCommand("profile", "Measure where a step's time goes on this machine, and what to change first.",
            ("vaecluster profile --config digits.yaml", "parts of a step, images/s, FLOP/s of the machine's best, memory, advice"),
            ("vaecluster profile --config digits.yaml --layers", "each layer's time and FLOP/s too"),
            ("vaecluster profile --config digits.yaml --seconds 20 --set train.threads=2", "measured longer, with another setting"))
        {
            TrainCommand.ConfigFile, Seconds, Layers, TrainCommand.Switches,
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
        var time = TimeSpan.FromSeconds(seconds);
        var profile = Profiler.Measure(Load, time, Say, interruption.Token);
        Show(profile, output);
        if (!parsed.GetValue(Layers)) return;
        Say("each layer");
        Show(LayerProfile.Measure(Load([]), time, interruption.Token), profile.Steps, output);

        void Say(string what) => parsed.InvocationConfiguration.Error.WriteLine($"measuring {what}");
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

    private static void Show(IReadOnlyList<LayerProfile> layers, StepProfile steps, TextWriter output)
    {
        var width = layers.Max(layer => layer.Name.Length);
        Line("layer", $"{"output",-12}{"forward ms",12}{"backward ms",12}{"of a step",12}{"GFLOP/s",10}");
        foreach (var layer in layers) Row(layer.Name, $"{layer.Output}", layer.Forward, layer.Backward, layer.FlopsPerSecond);
        var (forward, backward) = (layers.Sum(layer => layer.Forward), layers.Sum(layer => layer.Backward));
        Row("all of these", "", forward, backward, layers.Sum(layer => layer.Flops) / (forward + backward));
        Row("the rest", "", steps.Forward - forward, steps.Backward - backward, null);

        void Row(string name, string shape, double forward, double backward, double? rate) =>
            Line(name, $"{shape,-12}{forward * 1e3,12:F2}{backward * 1e3,12:F2}{(forward + backward) / steps.Step,12:P1}{rate / 1e9,10:F1}");
        void Line(string name, FormattableString value) => output.WriteLine($"{name.PadRight(width)}  {value.ToString(CultureInfo.InvariantCulture)}");
    }
}
