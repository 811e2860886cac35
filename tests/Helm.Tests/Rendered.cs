using YamlDotNet.RepresentationModel;

namespace Helm.Tests;

/// <summary>The objects that the chart makes of some values.</summary>
internal sealed class Rendered
{
    private static readonly string[] Current = ["--kube-version", "1.33.0"];

    private Rendered(IReadOnlyList<YamlMappingNode> objects) => Objects = objects;

    public IReadOnlyList<YamlMappingNode> Objects { get; }

    public IEnumerable<string> Kinds => Objects.Select(each => Text(each, "kind"));

    /// <param name="helm">helm3 or helm4.</param>
    /// <param name="more">Of the command line: --set, -f.</param>
    public static Rendered Of(string helm, params string[] more) => Of(helm, "r", Current, more);

    /// <summary>By helm 4, under another name than r.</summary>
    public static Rendered OfRelease(string release, params string[] more) => Of("helm4", release, Current, more);

    /// <summary>For Kubernetes 1.20.</summary>
    public static Rendered OfOldest(string helm, params string[] more) => Of(helm, "r", ["--kube-version", "1.20.0"], more);

    public YamlMappingNode this[string kind, string name] =>
        Assert.Single(Objects, each => Text(each, "kind") == kind && Text((YamlMappingNode)each["metadata"], "name") == name);

    public IEnumerable<YamlMappingNode> All(string kind) => Objects.Where(each => Text(each, "kind") == kind);

    /// <summary>The only container of a StatefulSet that the chart itself makes.</summary>
    public YamlMappingNode Container(string role) => (YamlMappingNode)((YamlSequenceNode)Get(this["StatefulSet", $"r-vae-train-{role}"], "spec.template.spec.containers"))
        .Single(container => Text((YamlMappingNode)container, "name") == role);

    public IEnumerable<string> Arguments(string role) => ((YamlSequenceNode)Container(role)["args"]).Select(argument => ((YamlScalarNode)argument).Value!);

    /// <summary>By a dotted path, ~ for a dot inside a key; fails where there is none.</summary>
    public static YamlNode Get(YamlNode node, string path)
    {
        foreach (var key in path.Split('.')) node = int.TryParse(key, out var index) ? node[index] : node[key.Replace('~', '.')];
        return node;
    }

    public static string Text(YamlNode node, string path) => ((YamlScalarNode)Get(node, path)).Value!;

    public static bool Has(YamlNode node, string path)
    {
        foreach (var key in path.Split('.'))
        {
            if (node is not YamlMappingNode map || !map.Children.TryGetValue(key, out var next)) return false;
            node = next;
        }
        return true;
    }

    private static Rendered Of(string helm, string release, string[] cluster, string[] more)
    {
        var said = Tool.Helm(helm, ["template", release, Tool.Chart, "--namespace", "ml", .. cluster, .. more]);
        Assert.True(said.ExitCode == 0, said.All);
        var stream = new YamlStream();
        stream.Load(new StringReader(said.Output));
        return new([.. stream.Documents.Select(document => document.RootNode).OfType<YamlMappingNode>()]);
    }
}
