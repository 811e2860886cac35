using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

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
