using System.Collections;
using System.ComponentModel.DataAnnotations;

namespace VaeCluster.Config.Binding;

/// <summary>
/// Checks bound options by their attributes and their own cross-field rules, all of them. A rule between fields sees the
/// default in place of a field that is wrong by itself, and its verdict on such a field is dropped: the user gets one
/// line for each thing to mend.
/// </summary>
public sealed class OptionsValidator
{
    private readonly MapSetting _settings;
    private readonly Origin _fallback;
    private readonly Mistakes _mistakes;

    private OptionsValidator(MapSetting settings, Origin fallback, Mistakes mistakes)
    {
        _settings = settings;
        _fallback = fallback;
        _mistakes = mistakes;
    }

    /// <param name="options">Not to be used when it has mistakes.</param>
    /// <param name="settings">What was bound: gives the line of a value.</param>
    /// <param name="fallback">Named where the user wrote nothing.</param>
    /// <param name="mistakes">What was wrong already, and what is found.</param>
    public static void Validate(object options, MapSetting settings, Origin fallback, Mistakes mistakes) =>
        new OptionsValidator(settings, fallback, mistakes).ValidateSection(options, "");

    private void ValidateSection(object options, string prefix)
    {
        var wrong = _mistakes.All.Select(mistake => mistake.Path).ToHashSet();
        object? defaults = null;
        foreach (var property in OptionsShape.Of(options.GetType()).Properties)
        {
            var path = prefix + property.Key;
            if (property.Kind == OptionKind.Section && property.Get(options) is { } section)
                ValidateSection(section, path + ".");
            if (property is { Kind: OptionKind.List } && !ScalarText.Takes(property.Type) && property.Get(options) is IEnumerable items)
                ValidateItems(items, path);

            if (CheckAttributes(options, property, path)) continue;
            wrong.Add(path);
            if (property.Property.SetMethod is null) continue;
            defaults ??= Activator.CreateInstance(options.GetType())!;
            property.Set(options, property.Get(defaults));
        }
        if (options is IValidatableObject own) CheckOwnRules(own, prefix, wrong);
    }

    private void ValidateItems(IEnumerable items, string path)
    {
        var index = 0;
        foreach (var item in items) ValidateSection(item, $"{path}[{index++}].");
    }

    private bool CheckAttributes(object options, OptionProperty property, string path)
    {
        var value = property.Get(options);
        if (value is double.NaN or float.NaN)
        {
            Add(path, "must be a finite number", value);
            return false;
        }
        var good = true;
        foreach (var attribute in property.Property.GetCustomAttributes(typeof(ValidationAttribute), true).Cast<ValidationAttribute>())
        {
            var context = new ValidationContext(options) { MemberName = property.Property.Name, DisplayName = path };
            if (attribute.GetValidationResult(value, context) is not { } result) continue;
            Add(path, ValidationRule.Of(attribute, result), value);
            good = false;
        }
        return good;
    }

    private void CheckOwnRules(IValidatableObject options, string prefix, HashSet<string> wrong)
    {
        foreach (var result in options.Validate(new ValidationContext(options)))
        {
            if (result == ValidationResult.Success) continue;
            // A member may be a path of its own: RunConfig names "Model.Size".
            var paths = result.MemberNames.Select(member => prefix + string.Join('.', member.Split('.').Select(OptionsShape.KeyOf))).ToList();
            if (paths.Any(wrong.Contains)) continue;
            var path = paths.FirstOrDefault(p => _settings.Find(p) is not null) ?? paths.FirstOrDefault() ?? prefix.TrimEnd('.');
            Add(path, result.ErrorMessage ?? "is not valid", null);
        }
    }

    private void Add(string path, string rule, object? value)
    {
        var setting = _settings.Find(path);
        var shown = setting is ScalarSetting scalar ? scalar.Shown
            : value is null || !ScalarText.Takes(value.GetType()) ? null : Mistake.Shorten(ScalarText.Format(value));
        _mistakes.Add(setting?.Origin ?? _fallback, path, shown, rule);
    }
}
