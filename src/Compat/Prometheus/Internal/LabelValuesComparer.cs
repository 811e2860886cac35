namespace Prometheus;

/// <summary>Compares label values one by one; looks them up from a span, so that a lookup makes no array.</summary>
internal sealed class LabelValuesComparer : IEqualityComparer<string[]>, IAlternateEqualityComparer<ReadOnlySpan<string>, string[]>
{
    public static readonly LabelValuesComparer Instance = new();

    public bool Equals(string[]? x, string[]? y) => ReferenceEquals(x, y) || (x is not null && y is not null && Equals(x.AsSpan(), y));

    public bool Equals(ReadOnlySpan<string> alternate, string[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(string[] obj) => GetHashCode(obj.AsSpan());

    public int GetHashCode(ReadOnlySpan<string> alternate)
    {
        var hash = 0;
        foreach (var value in alternate) hash = HashCode.Combine(hash, value);
        return hash;
    }

    public string[] Create(ReadOnlySpan<string> alternate) => alternate.ToArray();
}
