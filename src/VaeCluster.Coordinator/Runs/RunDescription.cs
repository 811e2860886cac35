namespace VaeCluster.Coordinator.Runs;

/// <summary>The run that is coordinated.</summary>
/// <param name="Folder">On the storage that outlives the coordinator: terms, fingerprint and journal are kept there.</param>
/// <param name="Config">YAML, every value resolved: what workers are handed.</param>
/// <param name="Slots">Of a step.</param>
public sealed record RunDescription(string Folder, string Config, int Slots)
{
    /// <summary>What is trained, in a few words; for metrics.</summary>
    public string Model { get; init; } = "";

    public string Preset { get; init; } = "";

    /// <summary>Of the program.</summary>
    public string Version { get; init; } = "";

    /// <summary>0: the first worker that is ready tells, once it has listed the data.</summary>
    public ulong TotalSteps { get; init; }

    /// <summary>Empty: the first worker that is ready tells.</summary>
    public string ManifestId { get; init; } = "";

    /// <summary>The highest term that the checkpoints know: they may be older than the folder's.</summary>
    public ulong NewestTerm { get; init; }

    /// <summary>The run goes back to the state after so many steps: what the journal has from there on is done again. Null where it goes on.</summary>
    public ulong? BackTo { get; init; }

    /// <summary>Workers of an earlier coordinator may train on, and are waited for; false where they have ended with it.</summary>
    public bool WorkersMayReturn { get; init; } = true;

    /// <summary>Told each step that is done, in order; must not block. A run that went back to a checkpoint does steps again.</summary>
    public Action<Protocol.V1.StepRecord>? StepDone { get; init; }

    /// <summary>Told once, when the last step is recorded and the workers have left; must not block.</summary>
    public Action? Completed { get; init; }

    /// <summary>Steps between two that are traced; 0 for none.</summary>
    public long TraceSteps { get; init; }

    /// <summary>Take workers that compute other bits.</summary>
    public bool MixedWorkers { get; init; }
}
