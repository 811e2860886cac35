using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Compat.ApiListing;

/// <summary>
/// What an assembly shows to its users (public and protected), one line of text per type and per member. A member's
/// line is "type.modifiers returns name(parameters)"; a type's is "kind type : base, interfaces".
/// </summary>
internal static class PublicApi
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance
        | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static IEnumerable<PublicType> Of(Assembly assembly) =>
        from type in assembly.GetTypes()
        where IsShown(type)
        let name = TypeName.Of(type)
        select new PublicType(
            $"{Kind(type)} {name}",
            [.. Bases(type)],
            [.. from member in type.GetMembers(Declared)
                where !IsMadeByCompiler(member)
                let text = Describe(member)
                where text is not null
                select new PublicMember($"{name}.{text}", OverridesObject(member))]);

    private static bool IsShown(Type type) =>
        type.IsVisible || ((type.IsNestedFamily || type.IsNestedFamORAssem) && IsShown(type.DeclaringType!));

    private static string Kind(Type type)
    {
        if (type.IsInterface) return "interface";
        if (type.IsEnum) return "enum";
        if (type.IsValueType) return "struct";
        if (type.IsSubclassOf(typeof(MulticastDelegate))) return "delegate";
        return (type.IsAbstract, type.IsSealed) switch
        {
            (true, true) => "static class",
            (true, false) => "abstract class",
            (false, true) => "sealed class",
            _ => "class",
        };
    }

    private static IEnumerable<string> Bases(Type type)
    {
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType)) yield return TypeName.Of(parent);
        foreach (var implemented in type.GetInterfaces())
        {
            if (implemented.IsVisible) yield return TypeName.Of(implemented);
        }
    }

    /// <summary>The members of a record, of closures and the like. Accessors have no line of their own anyway.</summary>
    private static bool IsMadeByCompiler(MemberInfo member) => member.IsDefined(typeof(CompilerGeneratedAttribute), false);

    private static bool OverridesObject(MemberInfo member) =>
        member is MethodInfo method && method.GetBaseDefinition().DeclaringType == typeof(object);

    private static string? Describe(MemberInfo member)
    {
        switch (member)
        {
            case ConstructorInfo { IsStatic: false } constructor when IsShown(constructor):
                return $"{Modifiers(constructor)}new({Parameters(constructor)})";

            case MethodInfo method when IsShown(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)):
                var generics = method.IsGenericMethodDefinition
                    ? $"<{string.Join(", ", method.GetGenericArguments().Select(argument => argument.Name))}>"
                    : "";
                return $"{Modifiers(method)}{TypeName.Of(method.ReturnType)} {method.Name}{generics}({Parameters(method)})";

            case PropertyInfo property when IsShown(property.GetMethod) || IsShown(property.SetMethod):
                var index = property.GetIndexParameters() is { Length: > 0 } parameters ? $"[{string.Join(", ", parameters.Select(Describe))}]" : "";
                var accessors = (IsShown(property.GetMethod) ? " get;" : "") + (IsShown(property.SetMethod) ? " set;" : "");
                return $"{Modifiers(property.GetMethod ?? property.SetMethod!)}{TypeName.Of(property.PropertyType)} {property.Name}{index} {{{accessors} }}";

            case FieldInfo { IsSpecialName: false } field when field.IsPublic || field.IsFamily:
                var access = field.IsFamily ? "protected " : "";
                var kind = field.IsLiteral ? "const " : field.IsStatic ? "static " : "";
                return $"{access}{kind}{TypeName.Of(field.FieldType)} {field.Name}";

            case EventInfo raised when IsShown(raised.AddMethod):
                return $"event {TypeName.Of(raised.EventHandlerType!)} {raised.Name}";

            default:
                return null;
        }
    }

    private static bool IsShown(MethodBase? method) => method is not null && (method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly);

    private static string Modifiers(MethodBase method)
    {
        var access = method.IsPublic ? "" : "protected ";
        if (method.IsStatic) return access + "static ";
        if (method.IsAbstract) return access + "abstract ";
        return method is { IsVirtual: true, IsFinal: false } ? access + "virtual " : access;
    }

    private static string Parameters(MethodBase method)
    {
        var extends = method.IsDefined(typeof(ExtensionAttribute), false) ? "this " : "";
        return extends + string.Join(", ", method.GetParameters().Select(Describe));
    }

    private static string Describe(ParameterInfo parameter)
    {
        var passing = parameter switch
        {
            { IsOut: true } => "out ",
            { ParameterType.IsByRef: true, IsIn: true } => "in ",
            { ParameterType.IsByRef: true } => "ref ",
            _ => parameter.IsDefined(typeof(ParamArrayAttribute), false) ? "params " : "",
        };
        var value = parameter.HasDefaultValue ? " = " + DefaultValue(parameter) : "";
        return $"{passing}{TypeName.Of(parameter.ParameterType)} {parameter.Name}{value}";
    }

    private static string DefaultValue(ParameterInfo parameter)
    {
        object? value;
        try { value = parameter.RawDefaultValue; }
        // Some defaults (of foreign structs, say) cannot be read; the listing says "default" there.
        catch (Exception exception) when (exception is FormatException or BadImageFormatException) { return "default"; }
        return value switch
        {
            null => "null",
            string text => $"\"{text}\"",
            true => "true",
            false => "false",
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString() ?? "default",
        };
    }
}

/// <param name="Line">Kind and name.</param>
/// <param name="Bases">Base class and interfaces.</param>
/// <param name="Members">What it declares itself.</param>
internal sealed record PublicType(string Line, IReadOnlyList<string> Bases, IReadOnlyList<PublicMember> Members);

/// <param name="Line">The member's line.</param>
/// <param name="OverridesObject">ToString, Equals, GetHashCode: any type may have them.</param>
internal sealed record PublicMember(string Line, bool OverridesObject);
