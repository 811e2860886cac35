namespace VaeCluster.Worker.State;

/// <summary>How the state is handed on.</summary>
public sealed class StateOptions
{
    /// <summary>How long a snapshot is kept after its last reader.</summary>
    public TimeSpan KeepFor { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Snapshots held at a time; the oldest that nobody reads goes first.</summary>
    public int MostKept { get; set; } = 2;

    /// <summary>Calls served at a time, waiting ones included.</summary>
    public int MostReaders { get; set; } = 32;

    /// <summary>How long a reader waits for a source's first word: it may have to finish a step.</summary>
    public TimeSpan FirstWord { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>A source that is silent for so long in the middle of its answer is given up.</summary>
    public TimeSpan Silence { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>What a source is asked for at once, in bytes: whole pieces.</summary>
    public long RangeBytes { get; set; } = 16 << 20;
}
