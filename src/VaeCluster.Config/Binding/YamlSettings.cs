using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace VaeCluster.Config.Binding;

/// <summary>
/// Reads YAML into settings that know their lines. Taken is what a configuration needs: one document of maps, lists and
/// scalars. Anchors, aliases and tags are refused: they can blow a small file up, and hide where a value comes from.
/// </summary>
public sealed class YamlSettings
{
    private const int DeepestNesting = 32;
    private const int LongestText = 1 << 20; // characters

    private readonly Parser _parser;
    private readonly string _source;
    private readonly int? _fixedLine;
    private readonly Mistakes _mistakes;

    private YamlSettings(string text, string source, int? fixedLine, Mistakes mistakes)
    {
        _parser = new Parser(new StringReader(text));
        _source = source;
        _fixedLine = fixedLine;
        _mistakes = mistakes;
    }

    /// <summary>A whole file: a map at the top. What can't be read is added to the mistakes.</summary>
    public static MapSetting ReadDocument(string text, string source, Mistakes mistakes)
    {
        var setting = Read(text, source, null, mistakes);
        if (setting is MapSetting map) return map;
        if (setting is not (null or ScalarSetting { IsNull: true }))
            mistakes.Add(setting.Origin, "", setting.Shown, "the configuration must be a map of sections, like `train:`");
        return new MapSetting(new Origin(source));
    }

    /// <summary>The value of a switch or variable: a list or map in flow style, a quoted string, or plain text.</summary>
    public static Setting ReadValue(string text, string source, Mistakes mistakes)
    {
        var trimmed = text.Trim();
        if (trimmed.Length == 0 || trimmed[0] is not ('[' or '{' or '"' or '\''))
            return new ScalarSetting(trimmed, quoted: false, new Origin(source));
        return Read(trimmed, source, 0, mistakes) ?? new ScalarSetting(trimmed, quoted: true, new Origin(source));
    }

    private static Setting? Read(string text, string source, int? fixedLine, Mistakes mistakes)
    {
        if (text.Length > LongestText)
        {
            mistakes.Add(new Origin(source), "", null, $"longer than {LongestText} characters: not a configuration");
            return null;
        }
        try
        {
            return new YamlSettings(text, source, fixedLine, mistakes).ReadStream();
        }
        catch (YamlException e)
        {
            var (line, reason) = TabbedLine(text) is { } tabbed && fixedLine is null
                ? (tabbed, "indented by a tab; use spaces")
                : (fixedLine ?? (int)e.Start.Line, Mistake.Shorten(Reason(e)));
            mistakes.Add(new Origin(source, line), "", null, $"not valid YAML: {reason}");
            return null;
        }
    }

    private static int? TabbedLine(string text)
    {
        var index = Array.FindIndex(text.Split('\n'), line => line.TrimStart(' ').StartsWith('\t'));
        return index < 0 ? null : index + 1;
    }

    // YamlDotNet repeats the position in front of its message.
    private static string Reason(YamlException e)
    {
        var message = e.Message;
        var end = message.IndexOf("): ", StringComparison.Ordinal);
        return message.StartsWith('(') && end >= 0 ? message[(end + 3)..] : message;
    }

    private Setting? ReadStream()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out _)) return null;
        _parser.Consume<DocumentStart>();
        var setting = ReadNode(0);
        _parser.Consume<DocumentEnd>();
        if (!_parser.Accept<StreamEnd>(out _))
            _mistakes.Add(At(_parser.Current!), "", null, "a second YAML document: keep one");
        return setting;
    }

    private Setting ReadNode(int depth)
    {
        if (depth > DeepestNesting)
            throw new YamlException(_parser.Current!.Start, _parser.Current.End, "nested too deeply");
        if (_parser.TryConsume<AnchorAlias>(out var alias))
            throw new YamlException(alias.Start, alias.End, "aliases (*name) are not taken; write the value out");
        if (_parser.Accept<NodeEvent>(out var node) && (!node.Anchor.IsEmpty || !node.Tag.IsEmpty))
            throw new YamlException(node.Start, node.End, "anchors (&name) and tags (!name) are not taken");

        if (_parser.TryConsume<Scalar>(out var scalar))
            return new ScalarSetting(scalar.Value, scalar.Style != ScalarStyle.Plain, At(scalar));
        return _parser.Accept<SequenceStart>(out _) ? ReadList(depth) : ReadMap(depth);
    }

    private ListSetting ReadList(int depth)
    {
        var origin = At(_parser.Consume<SequenceStart>());
        var items = new List<Setting>();
        while (!_parser.TryConsume<SequenceEnd>(out _)) items.Add(ReadNode(depth + 1));
        return new ListSetting(items, origin);
    }

    private MapSetting ReadMap(int depth)
    {
        var map = new MapSetting(At(_parser.Consume<MappingStart>()));
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var key = ReadNode(depth + 1);
            var value = ReadNode(depth + 1);
            if (key is not ScalarSetting { IsNull: false } name)
                _mistakes.Add(key.Origin, "", key.Shown, "a key must be a name");
            else if (map[name.Text] is { } first)
                _mistakes.Add(key.Origin, Mistake.Shorten(name.Text), null, $"given twice, first at {first.Key}");
            else
                map.Set(name.Text, value, key.Origin);
        }
        return map;
    }

    private Origin At(ParsingEvent parsed) => new(_source, _fixedLine ?? (int)parsed.Start.Line);
}
