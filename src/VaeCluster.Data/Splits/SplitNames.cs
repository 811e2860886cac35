namespace VaeCluster.Data.Splits;

/// <summary>The names by which data sets tell their splits apart.</summary>
internal static class SplitNames
{
    /// <summary>By the name of a folder, or by what a shard's name begins with.</summary>
    public static Split? Of(string name)
    {
        var word = new string([.. name.TakeWhile(char.IsAsciiLetter)]).ToLowerInvariant();
        return word switch
        {
            "train" or "training" => Split.Train,
            "val" or "valid" or "validation" or "eval" => Split.Validation,
            "test" or "testing" => Split.Test,
            _ => null,
        };
    }

    /// <summary>By the first folder of a path relative to the source, else by the file's own name when asked to.</summary>
    public static Split? OfPath(string path, bool orFileName = false)
    {
        var slash = path.IndexOf('/', StringComparison.Ordinal);
        if (slash > 0) return Of(path[..slash]);
        return orFileName ? Of(path) : null;
    }
}
