using System.Collections;

namespace VaeCluster.Config.Binding;

/// <summary>
/// Puts settings into options classes. A value that does not fit is a mistake and leaves the option as it was, so that
/// the rest can still be checked.
/// </summary>
public sealed class OptionsBinder
{
    private readonly Mistakes _mistakes;
    private readonly IReadOnlyCollection<string> _paths;

    private OptionsBinder(Type root, Mistakes mistakes)
    {
        _mistakes = mistakes;
        _paths = OptionsShape.Paths(root).ToList();
    }

    public static void Bind(object options, MapSetting settings, Mistakes mistakes) =>
        new OptionsBinder(options.GetType(), mistakes).BindSection(options, settings, "");

    private void BindSection(object options, MapSetting settings, string prefix)
    {
        var shape = OptionsShape.Of(options.GetType());
        foreach (var (key, entry) in settings.Entries)
        {
            var path = prefix + key;
            if (shape[key] is { } property)
                BindProperty(options, property, entry.Value, path);
            else
                _mistakes.Add(entry.Key, Mistake.Shorten(path), null, UnknownKey(path, shape));
        }
    }

    private string UnknownKey(string path, OptionsShape shape) =>
        NearestName.OfPath(path, _paths) is { } nearest
            ? $"unknown key; did you mean {nearest}?"
            : $"unknown key; known here: {string.Join(", ", shape.Properties.Select(property => property.Key))}";

    private void BindProperty(object options, OptionProperty property, Setting setting, string path)
    {
        if (setting is ScalarSetting { IsNull: true })
        {
            if (property.Nullable)
                property.Set(options, null);
            else if (property.Kind != OptionKind.Section)
                _mistakes.Add(setting.Origin, path, null, "needs a value; leave the key out for its default");
            return;
        }

        switch (property.Kind)
        {
            case OptionKind.Section when setting is MapSetting map:
                var section = property.Get(options);
                if (section is null) property.Set(options, section = Activator.CreateInstance(property.Type)!);
                BindSection(section, map, path + ".");
                break;
            case OptionKind.Section:
                var keys = string.Join(", ", OptionsShape.Of(property.Type).Properties.Select(p => p.Key));
                _mistakes.Add(setting.Origin, path, setting.Shown, $"must be a section with keys: {keys}");
                break;
            case OptionKind.List when setting is ListSetting list:
                if (BindList(property, list, path) is { } items) property.Set(options, items);
                break;
            case OptionKind.List:
                _mistakes.Add(setting.Origin, path, setting.Shown, "must be a list, like [32, 64]");
                break;
            default:
                if (BindScalar(property.Type, setting, path) is { } value) property.Set(options, value);
                break;
        }
    }

    private IList? BindList(OptionProperty property, ListSetting list, string path)
    {
        var items = Array.CreateInstance(property.Type, list.Items.Count);
        var complete = true;
        for (var i = 0; i < items.Length; i++)
        {
            var value = BindItem(property.Type, list.Items[i], $"{path}[{i}]");
            if (value is null) complete = false;
            else items.SetValue(value, i);
        }
        if (!complete) return null;
        var wanted = property.Property.PropertyType;
        return wanted.IsAssignableFrom(items.GetType()) ? items : (IList)Activator.CreateInstance(wanted, items)!;
    }

    private object? BindItem(Type type, Setting setting, string path)
    {
        if (ScalarText.Takes(type)) return BindScalar(type, setting, path);
        if (setting is not MapSetting map)
        {
            _mistakes.Add(setting.Origin, path, setting.Shown, "must be a section");
            return null;
        }
        var item = Activator.CreateInstance(type)!;
        BindSection(item, map, path + ".");
        return item;
    }

    private object? BindScalar(Type type, Setting setting, string path)
    {
        if (setting is not ScalarSetting scalar || (scalar.IsNull && type != typeof(string)))
        {
            _mistakes.Add(setting.Origin, path, setting.Shown, "must be a single value");
            return null;
        }
        var value = ScalarText.Parse(type, scalar.Text, out var rule);
        if (value is null) _mistakes.Add(setting.Origin, path, setting.Shown, rule);
        return value;
    }
}
