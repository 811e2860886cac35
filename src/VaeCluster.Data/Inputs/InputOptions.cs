using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Inputs;

/// <summary>Which of the images that arguments name are taken.</summary>
public sealed record InputOptions
{
    /// <summary>Of sources that have splits, or are split by share; null takes all.</summary>
    public Split? Split { get; init; }

    /// <summary>At most so many, the first ones.</summary>
    public long? Limit { get; init; }

    /// <summary>Leave images out that do not decode, and count them; otherwise they are an error.</summary>
    public bool SkipBroken { get; init; }

    /// <summary>Threads that read and decode; 0 takes half of the cores.</summary>
    public int Threads { get; init; }
}
