using System.CommandLine;
using VaeCluster.Config.Binding;

namespace VaeCluster.Commands;

/// <summary>
/// Settings of a process, not of the run: what has an option of its own (`--listen`) over `--option key=value` over environment
/// variables (VAECLUSTER_COORDINATOR__LEASE__LEAST) over the defaults of the options class.
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

    /// <param name="options">With the defaults.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="settings">Made by <see cref="Create"/>.</param>
    /// <param name="prefix">Of environment variables.</param>
    /// <param name="own">Options that stand for one key each.</param>
    /// <exception cref="UserErrorException">Every mistake, a line each.</exception>
    public static void Bind(object options, ParseResult parsed, Option<string[]> settings, string prefix, params ReadOnlySpan<(Option Option, string Key)> own)
    {
        var mistakes = new Mistakes();
        var given = new MapSetting(new Origin("command line"));
        foreach (var (option, key) in own)
        {
            if (parsed.GetResult(option) is not { Implicit: false } result) continue;
            var origin = new Origin(option.Name);
            // A switch has no value.
            given.Set(key, new ScalarSetting(result.Tokens is [var token, ..] ? token.Value : "true", quoted: result.Tokens.Count > 0, origin), origin);
        }
        var all = SettingLayers.Combine(
            [
                SettingLayers.FromEnvironment(Environment.GetEnvironmentVariables(), mistakes, prefix),
                SettingLayers.FromSwitches(parsed.GetValue(settings) ?? [], mistakes, "--option"),
                given,
            ],
            []);
        OptionsBinder.Bind(options, all, mistakes);
        OptionsValidator.Validate(options, all, new Origin("command line"), mistakes);
        mistakes.ThrowIfAny();
    }
}
