using System.Collections;
using VaeCluster.Config.Binding;
using VaeCluster.Models.Presets;

namespace VaeCluster.Config;

/// <summary>
/// Where a configuration comes from, the highest first: `--steps`, `--set`, environment variables
/// (VAECLUSTER__TRAIN__BATCH), the file, the defaults of the model's preset, the defaults of the options classes.
/// </summary>
public sealed class ConfigSources
{
    /// <summary>The YAML text.</summary>
    public required string Text { get; init; }

    /// <summary>Named in messages: the file's path.</summary>
    public required string Name { get; init; }

    /// <summary>`key.path=value` each.</summary>
    public IReadOnlyList<string> Switches { get; init; } = [];

    /// <summary>Environment variables, ours and others.</summary>
    public IDictionary Environment { get; init; } = new Hashtable();

    /// <summary>Length of the run, over whatever the configuration says.</summary>
    public long? Steps { get; init; }

    public static ConfigSources FromFile(string path, IReadOnlyList<string>? switches = null, IDictionary? environment = null, long? steps = null)
    {
        try
        {
            return new ConfigSources
            {
                Text = File.ReadAllText(path),
                Name = path,
                Switches = switches ?? [],
                Environment = environment ?? new Hashtable(),
                Steps = steps,
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path}: the configuration can't be read: {e.Message}", e);
        }
    }

    /// <summary>Reads, resolves and checks.</summary>
    /// <exception cref="UserErrorException">Every mistake, a line each.</exception>
    public RunConfig Load()
    {
        var mistakes = new Mistakes();
        List<MapSetting> layers =
        [
            YamlSettings.ReadDocument(Text, Name, mistakes),
            SettingLayers.FromEnvironment(Environment, mistakes),
            SettingLayers.FromSwitches(Switches, mistakes),
        ];
        foreach (var layer in layers)
        {
            foreach (var (one, other) in RunConfig.Twins) SettingLayers.Follow(layer, one, other);
        }
        var user = SettingLayers.Combine(layers, RunConfig.Alternatives);
        var settings = SettingLayers.Combine([PresetLayer(user, mistakes), user], RunConfig.Alternatives);
        if (Steps is { } steps)
        {
            KeepHorizon(settings, mistakes);
            settings = SettingLayers.Combine([settings, StepsLayer(steps)], RunConfig.Alternatives);
        }
        var config = new RunConfig();
        OptionsBinder.Bind(config, settings, mistakes);
        config.Data.Size ??= config.Model.ImageSize;
        OptionsValidator.Validate(config, settings, new Origin(Name), mistakes);
        mistakes.ThrowIfAny();
        return config;
    }

    /// <summary>The defaults of the preset that the user names. For a name that is none, those of the nearest: the rest can be checked.</summary>
    private static MapSetting PresetLayer(MapSetting user, Mistakes mistakes)
    {
        const string path = "model.preset";
        var name = (user.Find(path) as ScalarSetting)?.Text ?? new RunConfig().Model.Preset;
        var preset = Preset.TryFind(name);
        if (preset is null)
        {
            var names = Preset.All.Select(known => known.Name).ToList();
            var nearest = NearestName.Of(name, names);
            mistakes.Add(user.Find(path)!.Origin, path, Mistake.Shorten(name),
                $"unknown preset; {(nearest is null ? "" : $"did you mean {nearest}? ")}known: {string.Join(", ", names)}");
            preset = Preset.Find(nearest ?? new RunConfig().Model.Preset);
        }
        return YamlSettings.ReadDocument(preset.Defaults, $"preset {preset.Name}", mistakes);
    }

    // Another length of the run must not bend the schedule that the configuration describes.
    private static void KeepHorizon(MapSetting settings, Mistakes mistakes)
    {
        if (settings.Find("optimizer.schedule") is not MapSetting schedule) return;
        if (schedule["kind"]?.Value is not ScalarSetting { Text: "cosine" } kind) return;
        if (schedule["steps"]?.Value is not (null or ScalarSetting { IsNull: true })) return;
        if (settings.Find("train.steps") is ScalarSetting { IsNull: false } length)
            schedule.Set("steps", length, length.Origin);
        else
            mistakes.Add(kind.Origin, "optimizer.schedule.steps", null, "give cosine's horizon in steps: --steps changes the length of the run, not the schedule");
    }

    private static MapSetting StepsLayer(long steps)
    {
        var origin = new Origin("--steps");
        var train = new MapSetting(origin);
        train.Set("steps", new ScalarSetting(ScalarText.Format(steps), quoted: false, origin), origin);
        var layer = new MapSetting(origin);
        layer.Set("train", train, origin);
        return layer;
    }
}
