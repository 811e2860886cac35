namespace VaeCluster.Worker.Hosting;

/// <summary>
/// What other threads want done on the training thread, in order, between two rounds. Some of it asks for the round in
/// hand to be given up.
/// </summary>
internal sealed class Mailbox : IDisposable
{
    private readonly object gate = new();
    private readonly Queue<(Action Act, bool Interrupts)> acts = [];
    private CancellationTokenSource round = new();
    private int interrupts;

    /// <summary>Something waits for the round to be given up.</summary>
    public bool IsInterrupted => Volatile.Read(ref interrupts) > 0;

    /// <summary>Canceled when the round in hand is to be given up. The training thread's.</summary>
    public CancellationToken Round
    {
        get { lock (gate) return round.Token; }
    }

    public void Post(Action act, bool interrupts = false)
    {
        CancellationTokenSource? cancelled = null;
        lock (gate)
        {
            acts.Enqueue((act, interrupts));
            if (interrupts)
            {
                this.interrupts++;
                cancelled = round;
            }
            Monitor.PulseAll(gate);
        }
        cancelled?.Cancel();
    }

    /// <summary>Does what has come. Called by the training thread.</summary>
    public void DoAll()
    {
        while (true)
        {
            (Action Act, bool Interrupts) next;
            lock (gate)
            {
                if (!acts.TryDequeue(out next)) return;
                if (next.Interrupts && --interrupts == 0) round = new CancellationTokenSource();
            }
            next.Act();
        }
    }

    /// <summary>Waits until something has come, or the time is over.</summary>
    public void Wait(TimeSpan most)
    {
        lock (gate)
        {
            if (acts.Count == 0) Monitor.Wait(gate, most);
        }
    }

    public void Dispose()
    {
        lock (gate) round.Dispose();
    }
}
