namespace VaeCluster.Coordinator.Plans;

/// <summary>Lists in sentences: a few by name, many by number.</summary>
internal static class Words
{
    private const int MostNamed = 4;

    public static string List<T>(IEnumerable<T> things)
    {
        var names = things.Select(thing => thing!.ToString()!).ToList();
        return names.Count switch
        {
            0 => "nobody",
            1 => names[0],
            <= MostNamed => string.Join(", ", names.SkipLast(1)) + " and " + names[^1],
            _ => string.Join(", ", names.Take(MostNamed - 1)) + $" and {names.Count - MostNamed + 1} others",
        };
    }
}
