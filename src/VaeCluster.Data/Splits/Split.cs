namespace VaeCluster.Data.Splits;

/// <summary>What a sample is for.</summary>
public enum Split
{
    Train,
    Validation,
    Test,
}

/// <summary>How samples are told apart.</summary>
public enum SplitMode
{
    /// <summary>By the source's partition file, else by its folders when it has them, else by share.</summary>
    Auto,

    /// <summary>A share drawn by a seed, whatever the source says.</summary>
    Share,

    /// <summary>The source's own: a partition file, or folders and shards named train, val and test.</summary>
    Source,
}
