namespace VaeCluster.Data.Sources;

/// <summary>What a source held besides samples: each thing left out by name, and why.</summary>
public sealed class ListingReport
{
    private const int Named = 1000;
    private readonly List<(string Name, string Reason)> problems = [];

    /// <summary>The first thousand.</summary>
    public IReadOnlyList<(string Name, string Reason)> Problems => problems;

    public long ProblemCount { get; private set; }

    /// <summary>Files that are no images by their names, such as labels.</summary>
    public long OtherFiles { get; internal set; }

    internal void Add(string name, string reason)
    {
        ProblemCount++;
        if (problems.Count < Named) problems.Add((DisplayName.Of(name), reason));
    }
}
