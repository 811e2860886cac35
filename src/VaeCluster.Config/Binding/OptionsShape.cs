using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;

namespace VaeCluster.Config.Binding;

public enum OptionKind { Scalar, List, Section }

/// <summary>
/// One key. It is the property's name in snake_case; the type is that of a value, nullable types unwrapped, and of the
/// elements for a list; a nullable option may be left empty on purpose (`null`).
/// </summary>
public sealed record OptionProperty(string Key, PropertyInfo Property, OptionKind Kind, Type Type, bool Nullable)
{
    public object? Get(object options) => Property.GetValue(options);

    public void Set(object options, object? value) => Property.SetValue(options, value);
}

/// <summary>The keys of an options class: its public properties that can be set, in order of declaration.</summary>
public sealed class OptionsShape
{
    private static readonly ConcurrentDictionary<Type, OptionsShape> Known = new();

    private readonly Dictionary<string, OptionProperty> _byKey;

    private OptionsShape(Type type)
    {
        var nullability = new NullabilityInfoContext();
        Properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.GetIndexParameters().Length == 0)
            .Where(property => property.SetMethod is { IsPublic: true } || IsOwnedSection(property))
            .OrderBy(property => property.MetadataToken)
            .Select(property => Describe(property, nullability))
            .ToList();
        _byKey = Properties.ToDictionary(property => property.Key, StringComparer.Ordinal);
    }

    public IReadOnlyList<OptionProperty> Properties { get; }

    public OptionProperty? this[string key] => _byKey.GetValueOrDefault(key);

    public static OptionsShape Of(Type type) => Known.GetOrAdd(type, t => new OptionsShape(t));

    public static string KeyOf(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);

    /// <summary>All dotted paths below a class, sections included.</summary>
    public static IEnumerable<string> Paths(Type type, string prefix = "") => Of(type).Properties.SelectMany(property =>
    {
        var path = prefix + property.Key;
        return property.Kind == OptionKind.Section ? Paths(property.Type, path + ".").Prepend(path) : [path];
    });

    private static bool IsOwnedSection(PropertyInfo property) =>
        property.SetMethod is null && property.GetMethod is { IsPublic: true } && IsSection(property.PropertyType);

    private static bool IsSection(Type type) =>
        type is { IsClass: true, IsArray: false, IsAbstract: false } && type != typeof(string)
        && ElementOf(type) is null && type.GetConstructor(Type.EmptyTypes) is not null;

    private static OptionProperty Describe(PropertyInfo property, NullabilityInfoContext nullability)
    {
        var type = property.PropertyType;
        var unwrapped = System.Nullable.GetUnderlyingType(type);
        var nullable = unwrapped is not null || (!type.IsValueType
            && nullability.Create(property).WriteState == NullabilityState.Nullable);
        type = unwrapped ?? type;
        var key = KeyOf(property.Name);
        if (ScalarText.Takes(type)) return new(key, property, OptionKind.Scalar, type, nullable);
        if (ElementOf(type) is { } element) return new(key, property, OptionKind.List, element, nullable);
        if (IsSection(type)) return new(key, property, OptionKind.Section, type, nullable);
        throw new InvalidOperationException(
            $"{property.DeclaringType}.{property.Name}: {type} is neither a scalar, a list nor an options class.");
    }

    private static Type? ElementOf(Type type)
    {
        if (type.IsArray) return type.GetElementType();
        if (!type.IsGenericType) return null;
        var open = type.GetGenericTypeDefinition();
        return open == typeof(List<>) || open == typeof(IReadOnlyList<>) || open == typeof(IList<>)
            || open == typeof(IReadOnlyCollection<>) || open == typeof(IEnumerable<>)
            ? type.GetGenericArguments()[0]
            : null;
    }
}
