using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using VaeCluster.Models.Presets;

namespace VaeCluster.Config.Tests.Charts;

/// <summary>The chart's values take the configuration's keys as they are, and nothing else.</summary>
public sealed class ConfigSchemaTests
{
    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>With VAECLUSTER_WRITE_SCHEMA set, it writes the part of the schema that it compares otherwise.</summary>
    [Fact]
    public void SchemaOfTheChart_ForTheConfiguration_IsThatOfTheOptionsClasses()
    {
        var path = Path.Combine(Root(), "helm/vae-train/values.schema.json");
        var schema = JsonNode.Parse(File.ReadAllText(path))!;
        var wanted = ConfigSchema.Of(typeof(RunConfig));
        if (Environment.GetEnvironmentVariable("VAECLUSTER_WRITE_SCHEMA") is { Length: > 0 })
        {
            schema["properties"]!["config"] = wanted.DeepClone();
            File.WriteAllText(path, schema.ToJsonString(Format) + "\n");
        }
        var difference = Difference(schema["properties"]!["config"], wanted, "config").ToList();
        Assert.True(difference.Count == 0, "values.schema.json differs from the options classes (VAECLUSTER_WRITE_SCHEMA=1 writes it anew):\n" + string.Join('\n', difference));
    }

    /// <summary>The chart's notes count a run's slots where the values do not say.</summary>
    [Fact]
    public void SlotsOfThePresets_AreThoseThatTheChartCounts()
    {
        var helpers = File.ReadAllText(Path.Combine(Root(), "helm/vae-train/templates/_helpers.tpl"));
        var own = new List<string>();
        foreach (var preset in Preset.All)
        {
            var slots = new ConfigSources { Name = "values.yaml", Text = $"{{model: {{preset: {preset.Name}}}, data: {{source: 'shapes:'}}}}" }.Load().Train.Slots;
            if (slots != new TrainOptions().Slots) own.Add($"\"{preset.Name}\" {slots}");
        }
        Assert.NotEmpty(own);
        Assert.Contains($"(get (dict {string.Join(' ', own)}) $preset | default {new TrainOptions().Slots})", helpers, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Difference(JsonNode? there, JsonNode? wanted, string path)
    {
        if (there is JsonObject one && wanted is JsonObject other)
        {
            return one.Select(entry => entry.Key).Union(other.Select(entry => entry.Key)).SelectMany(key => Difference(one[key], other[key], $"{path}.{key}"));
        }
        return there?.ToJsonString() == wanted?.ToJsonString() ? [] : [$"{path}: {there?.ToJsonString() ?? "absent"}, wanted {wanted?.ToJsonString() ?? "absent"}"];
    }

    private static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "VaeCluster.sln"))) return folder.FullName;
        }
        throw new InvalidOperationException($"No folder with VaeCluster.sln above {AppContext.BaseDirectory}.");
    }
}
