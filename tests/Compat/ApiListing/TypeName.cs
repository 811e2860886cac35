namespace Compat.ApiListing;

/// <summary>A type's full name as the listings spell it: C#'s generics, points for nesting, "?" for Nullable.</summary>
internal static class TypeName
{
    public static string Of(Type type)
    {
        if (type.IsByRef) return Of(type.GetElementType()!);
        if (type.IsPointer) return Of(type.GetElementType()!) + "*";
        if (type.IsArray) return $"{Of(type.GetElementType()!)}[{new string(',', type.GetArrayRank() - 1)}]";
        if (type.IsGenericParameter) return type.Name;
        if (Nullable.GetUnderlyingType(type) is { } value) return Of(value) + "?";

        // A nested type's arguments begin with those of the types around it.
        var arguments = new Queue<Type>(type.GetGenericArguments());
        var parts = Enclosing(type).Reverse().Select(part => Part(part.Name, arguments));
        var prefix = string.IsNullOrEmpty(type.Namespace) ? "" : type.Namespace + ".";
        return prefix + string.Join('.', parts);
    }

    private static IEnumerable<Type> Enclosing(Type type)
    {
        for (var current = type; current is not null; current = current.DeclaringType) yield return current;
    }

    private static string Part(string name, Queue<Type> arguments)
    {
        var tick = name.IndexOf('`');
        if (tick < 0) return name;
        var own = Enumerable.Range(0, int.Parse(name.AsSpan(tick + 1))).Select(_ => Of(arguments.Dequeue()));
        return $"{name[..tick]}<{string.Join(", ", own)}>";
    }
}
