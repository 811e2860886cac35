using System.Collections;
using System.Text;
using System.Text.Json;

namespace VaeCluster.Models.Presets;

/// <summary>
/// A named set of defaults for a whole configuration. <see cref="Defaults"/> lies below what the user wrote; nothing in it
/// can't be changed there.
/// </summary>
/// <param name="Name">What <c>model.preset</c> says.</param>
/// <param name="Architecture">Which code builds it.</param>
/// <param name="Summary">One line for a list of presets.</param>
/// <param name="Model">Makes the model's options, as new.</param>
/// <param name="OtherSections">YAML of the sections beside <c>model</c>.</param>
public sealed partial record Preset(
    string Name, Architecture Architecture, string Summary, Func<ModelOptions> Model, string OtherSections)
{
    /// <summary>The preset's configuration as YAML: the model in full, of the other sections what differs from their defaults.</summary>
    public string Defaults => ModelSection() + OtherSections;

    /// <exception cref="UserErrorException">There is no such preset; the message lists those there are.</exception>
    public static Preset Find(string name) => TryFind(name) ?? throw new UserErrorException(
        $"model.preset: unknown preset '{name}'; known: {string.Join(", ", All.Select(preset => preset.Name))}");

    public static Preset? TryFind(string name) => All.FirstOrDefault(preset => preset.Name == name);

    private string ModelSection()
    {
        var options = Model();
        var yaml = new StringBuilder("model:\n");
        foreach (var property in typeof(ModelOptions).GetProperties().Where(property => property.SetMethod is not null))
            yaml.Append($"  {JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name)}: {Text(property.GetValue(options))}\n");
        return yaml.ToString();
    }

    private static string Text(object? value) => value switch
    {
        bool truth => truth ? "true" : "false",
        string text => text,
        IEnumerable list => $"[{string.Join(", ", list.Cast<object>())}]",
        _ => $"{value}",
    };
}
