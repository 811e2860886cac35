namespace VaeCluster.Checkpoints;

/// <summary>
/// Saves in the background while training goes on. A save costs its caller one copy of the state into a buffer that is kept;
/// hashing, writing, retries and retention happen behind it. There is one buffer, hence the rule for a save that comes
/// while another runs: while that one is being written, the newer is not taken (the caller asks again after its next step,
/// and so saves the newest state there is by then); while that one waits for a storage that failed, the newer takes its
/// place. No failure of the storage ever reaches the caller.
/// </summary>
public sealed class CheckpointWriter : IAsyncDisposable
{
    private enum State { Idle, Writing, BackingOff, Closed }

    private readonly ICheckpointStorage _storage;
    private readonly CheckpointOptions _options;
    private readonly Action<CheckpointOutcome> _report;
    private readonly RetryDelays _delays;
    private readonly TimeProvider _time;
    private readonly SnapshotBuffer _buffer = new();
    private readonly CancellationTokenSource _closing = new();

    private readonly Lock _gate = new();
    private State _state = State.Idle;
    private CheckpointMetadata? _pending; // what the buffer holds and the storage does not
    private long _pendingSince;
    private long? _savedStep;
    private int _failedInARow;
    private Task _running = Task.CompletedTask;
    private TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously); // an attempt ended
    private TaskCompletionSource? _wake; // ends a back-off

    /// <param name="storage">Where to; stays the caller's.</param>
    /// <param name="options">What stays there.</param>
    /// <param name="report">Called with each outcome, as a rule on a thread of the background; must not throw.</param>
    /// <param name="delays">Between attempts.</param>
    /// <param name="time">The clock.</param>
    public CheckpointWriter(
        ICheckpointStorage storage, CheckpointOptions options, Action<CheckpointOutcome> report, RetryDelays? delays = null, TimeProvider? time = null)
    {
        _storage = storage;
        _options = options;
        _report = report;
        _delays = delays ?? RetryDelays.Default;
        _time = time ?? TimeProvider.System;
    }

    /// <summary>Attempts that have failed since the last one that succeeded.</summary>
    public int FailedInARow => Volatile.Read(ref _failedInARow);

    /// <summary>Memory held for the copy.</summary>
    public long BufferBytes => _buffer.Capacity;

    /// <summary>Makes room ahead, so that the first save does not pay for fresh memory. Copies nothing.</summary>
    public void Reserve(CheckpointSnapshot snapshot)
    {
        lock (_gate)
        {
            if (_state == State.Idle) _buffer.Reserve(snapshot);
        }
    }

    /// <summary>Copies the snapshot and returns; the rest happens in the background.</summary>
    /// <returns>False where the save before is still being written: ask again after the next step.</returns>
    public bool TrySave(CheckpointSnapshot snapshot)
    {
        CheckpointMetadata? superseded;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_state == State.Closed, this);
            if (_state == State.Writing) return false;
            superseded = _pending;
            // Under the lock: a wait that ends just now must not read half a copy.
            _pending = null;
            _buffer.Fill(snapshot);
            _pending = snapshot.Metadata;
            _pendingSince = _time.GetTimestamp();
            if (_state == State.Idle)
            {
                _state = State.Writing;
                _running = Task.Run(RunAsync);
            }
        }
        if (superseded is not null) _report(new CheckpointSuperseded(superseded.Step, snapshot.Metadata.Step));
        return true;
    }

    /// <summary>
    /// The last save, at the end or when told to stop: waits for the one that is being written, then saves this one, and
    /// does not wait for the rest of a back-off.
    /// </summary>
    /// <returns>True where it is on the storage; false where the token ended the wait or the writer is fenced.</returns>
    public async Task<bool> SaveLastAsync(CheckpointSnapshot snapshot, CancellationToken cancellation)
    {
        try
        {
            while (!TrySave(snapshot)) await AttemptEndedAsync().WaitAsync(cancellation);
            lock (_gate) _wake?.TrySetResult();
            await FlushAsync(cancellation);
            lock (_gate) return _savedStep == snapshot.Metadata.Step;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Waits until nothing is left to write.</summary>
    public async Task FlushAsync(CancellationToken cancellation)
    {
        Task running;
        lock (_gate) running = _running;
        await running.WaitAsync(cancellation);
    }

    /// <summary>Ends what is under way; what is not on the storage by now is given up. Flush first to wait.</summary>
    public async ValueTask DisposeAsync()
    {
        Task running;
        lock (_gate)
        {
            if (_state == State.Closed) return;
            running = _running;
        }
        await _closing.CancelAsync();
        await running;
        lock (_gate) _state = State.Closed;
        _buffer.Dispose();
        _closing.Dispose();
    }

    private Task AttemptEndedAsync()
    {
        lock (_gate) return _state == State.Writing ? _written.Task : Task.CompletedTask;
    }

    private async Task RunAsync()
    {
        PreparedSave? save = null;
        while (true)
        {
            CheckpointMetadata? pending;
            lock (_gate)
            {
                pending = _pending;
                _state = pending is null ? State.Idle : State.Writing;
            }
            // The copy that was to take a waiting one's place failed, and the caller knows.
            if (pending is null) return;
            try
            {
                _closing.Token.ThrowIfCancellationRequested();
                if (!ReferenceEquals(save?.Given, pending)) save = PreparedSave.Of(pending, _buffer.Files, _closing.Token);
                save.Attempts++;
                await AttemptAsync(save);
                return;
            }
            catch (OperationCanceledException) when (_closing.IsCancellationRequested)
            {
                Finish(new CheckpointAbandoned(pending.Step));
                return;
            }
            catch (Exception e)
            {
                await BackOffAsync(pending.Step, save?.Attempts ?? 1, e);
            }
        }
    }

    private async Task AttemptAsync(PreparedSave save)
    {
        var attempt = new CheckpointAttempt(_storage, _options, save.Complete, _buffer.Files, save.Hashes, _time);
        var (name, refusal, removed, warning) = await attempt.RunAsync(_closing.Token);
        var step = save.Given.Step;
        if (name is null)
        {
            Finish(new CheckpointRefused(step, refusal!));
            return;
        }
        Volatile.Write(ref _failedInARow, 0);
        lock (_gate) _savedStep = step;
        var bytes = _buffer.Files.Sum(file => file.Length);
        Finish(new CheckpointSaved(step, name, bytes, _time.GetElapsedTime(_pendingSince), save.Attempts, removed, warning));
    }

    // Reported before the writer is idle, so that whoever waited for it finds it counted.
    private void Finish(CheckpointOutcome outcome)
    {
        _report(outcome);
        lock (_gate)
        {
            _pending = null;
            _state = State.Idle;
            AttemptEnded();
        }
    }

    private async Task BackOffAsync(long step, int attempts, Exception error)
    {
        var delay = _delays.After(Interlocked.Increment(ref _failedInARow));
        _report(new CheckpointAttemptFailed(step, attempts, StorageFailure.Describe(_storage, error), error, delay));
        var wake = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _wake = wake;
            _state = State.BackingOff;
            AttemptEnded();
        }
        await wake.Task.WaitAsync(delay, _time, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_gate) _wake = null;
    }

    private void AttemptEnded()
    {
        _written.SetResult();
        _written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
