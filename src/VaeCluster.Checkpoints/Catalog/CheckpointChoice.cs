using System.Globalization;

namespace VaeCluster.Checkpoints;

/// <summary>Which checkpoint to load: the newest, the one with the lowest validation loss, or the one after a step.</summary>
public sealed record CheckpointChoice
{
    private CheckpointChoice() { }

    public static CheckpointChoice Latest { get; } = new();

    public static CheckpointChoice Best { get; } = new() { IsBest = true };

    public bool IsBest { get; private init; }

    public long? Step { get; private init; }

    public static CheckpointChoice AtStep(long step) => new() { Step = step };

    /// <summary>Reads "latest", "best" or a step.</summary>
    public static bool TryParse(string text, out CheckpointChoice choice)
    {
        var isStep = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var step);
        choice = isStep ? AtStep(step) : text == "best" ? Best : Latest;
        return isStep || text is "best" or "latest";
    }
}
