namespace VaeCluster.Worker.Control;

/// <summary>How the stream to the coordinator is kept.</summary>
public sealed class ConnectionOptions
{
    /// <summary>Before the second attempt; doubled from one to the next.</summary>
    public TimeSpan FirstPause { get; set; } = TimeSpan.FromMilliseconds(50);

    public TimeSpan LongestPause { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long the answer to a Hello may take.</summary>
    public TimeSpan Welcome { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>So many heartbeats without an answer, and the stream is opened anew.</summary>
    public int MissedHeartbeats { get; set; } = 5;

    /// <summary>But not before this has passed.</summary>
    public TimeSpan LeastSilence { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Records that were not acknowledged for so long are sent again.</summary>
    public TimeSpan RecordsAgain { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Messages that may wait to be sent or confirmed; beyond it the oldest is dropped. All are said again on a new stream, at
    /// once, so they stay well below what a coordinator takes in one go. Records are kept apart, all of them.
    /// </summary>
    public int MostPending { get; set; } = 256;
}
