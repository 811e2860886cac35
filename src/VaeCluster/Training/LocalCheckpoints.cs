using System.Collections.Concurrent;
using VaeCluster.Checkpoints;
using VaeCluster.Config;
using VaeCluster.Config.Runs;
using VaeCluster.Progress;
using VaeCluster.Worker.Checkpoints;
using VaeCluster.Worker.Training;

namespace VaeCluster.Training;

/// <summary>The checkpoints of a run in one process: this process is the only writer, under a term above all that wrote before.</summary>
internal sealed class LocalCheckpoints : IDisposable
{
    // Whoever stops a process kills it soon after: Kubernetes after 30 s.
    private static readonly TimeSpan LastSaveWhenStopped = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LastSaveAtTheEnd = TimeSpan.FromMinutes(10);

    // A storage that is slow is waited for, one that fails so often is not.
    private const int MostLastAttempts = 4;

    private readonly ConcurrentQueue<CheckpointOutcome> _outcomes = new();
    private readonly LocalTraining _training;
    private readonly ITrainingView _view;
    private readonly RunCheckpoints _checkpoints;
    private readonly CancellationTokenSource _giveUp = new();
    private CheckpointOwner _owner = new("local", 1, 0);
    private volatile bool _ending;

    /// <param name="training">At step 0.</param>
    /// <param name="config">Complete.</param>
    /// <param name="folder">The run's.</param>
    /// <param name="view">Hears of what was saved and what was not.</param>
    public LocalCheckpoints(LocalTraining training, RunConfig config, RunFolder folder, ITrainingView view)
    {
        (_training, _view) = (training, view);
        _checkpoints = RunCheckpoints.Open(config, folder.Path, training.ManifestId, Hear);
    }

    /// <summary>Goes on from the chosen checkpoint, or from the newest where nothing was chosen.</summary>
    /// <returns>False where there is none to go on from.</returns>
    public bool Restore(CheckpointChoice? choice, CancellationToken cancellation)
    {
        var highest = _checkpoints.HighestTermAsync(cancellation).GetAwaiter().GetResult();
        _owner = _owner with { Term = highest + 1 };
        var restored = _training.Restore(_checkpoints, choice ?? CheckpointChoice.Latest, cancellation);
        Tell();
        if (!restored && choice is not null) throw RunCheckpoints.NothingToResume();
        CheckpointCatalog.ThrowIfBeyond(_training.Step, _training.TotalSteps);
        return restored;
    }

    public void SaveIfDue(double? validationLoss)
    {
        _checkpoints.SaveIfDue(_training.State, _owner, validationLoss);
        Tell();
    }

    /// <returns>Whether the state is on the storage. It is not waited for longer than whoever stops us waits.</returns>
    public bool SaveLast(double? validationLoss, bool stopped)
    {
        _ending = true;
        _giveUp.CancelAfter(stopped ? LastSaveWhenStopped : LastSaveAtTheEnd);
        var saved = _checkpoints.SaveLastAsync(_training.State, _owner, validationLoss, _giveUp.Token).GetAwaiter().GetResult();
        Tell();
        return saved;
    }

    public void Dispose()
    {
        _checkpoints.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _giveUp.Dispose();
        Tell();
    }

    private void Hear(CheckpointOutcome outcome)
    {
        _outcomes.Enqueue(outcome);
        if (_ending && outcome is CheckpointAttemptFailed { Attempt: >= MostLastAttempts }) _giveUp.Cancel();
    }

    // On the thread that trains: the view belongs to it.
    private void Tell()
    {
        while (_outcomes.TryDequeue(out var outcome)) _view.Note(outcome.Sentence);
    }
}
