using System.CommandLine;
using VaeCluster.Config.Binding;

namespace VaeCluster.Commands;

/// <summary>
/// Settings of a process, not of the run: `--option key=value` over environment variables
/// (VAECLUSTER_COORDINATOR__LEASE__LEAST) over the defaults of the options class.
/// </summary>
internal static class HostArguments
{
    public static readonly Option<string?> TokenFile = new("--token-file")
    {
        Description = "Holds the token that every call has to carry; VAECLUSTER_TOKEN of the environment where it is not given.",
        HelpName = "file",
    };

    public static readonly Option<bool> AllowNoToken = new("--allow-no-token")
    {
        Description = "Listen beyond this machine without a token: whoever reaches the port is let in.",
    };

    public static readonly Option<string?> Metrics = new("--metrics")
    {
        Description = "Where Prometheus finds /metrics and probes find /healthz: http://host:port; port 0 takes a free one.",
        HelpName = "url",
    };

    public static readonly Option<bool> Attached = new("--attached")
    {
        Description = "End when standard input ends, and leave Ctrl-C to whoever holds it.",
        Hidden = true,
    };

    /// <param name="options">Of the options class whose keys it takes.</param>
    public static Option<string[]> Create(Type options)
    {
        var option = new Option<string[]>("--option")
        {
            Description = "A setting of this process with its value; any number of them.",
            HelpName = "key=value",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        option.CompletionSources.Add(_ => OptionsShape.Paths(options).Select(path => path + "="));
        return option;
    }

    /// <param name="options">With what the command line says by options of its own.</param>
    /// <param name="switches">What <see cref="Create"/> took.</param>
    /// <param name="prefix">Of environment variables.</param>
    /// <exception cref="UserErrorException">Every mistake, a line each.</exception>
    public static void Bind(object options, IReadOnlyList<string> switches, string prefix)
    {
        var mistakes = new Mistakes();
        var settings = SettingLayers.Combine(
            [
                SettingLayers.FromEnvironment(Environment.GetEnvironmentVariables(), mistakes, prefix),
                SettingLayers.FromSwitches(switches, mistakes, "--option"),
            ],
            []);
        OptionsBinder.Bind(options, settings, mistakes);
        OptionsValidator.Validate(options, settings, new Origin("command line"), mistakes);
        mistakes.ThrowIfAny();
    }
}
