using System.Runtime.InteropServices;

namespace VaeCluster;

/// <summary>
/// Ctrl-C and SIGTERM as a token: the step in hand is finished, what was done is kept, the program ends with 130. The
/// second signal ends it at once.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;

    /// <param name="attached">Ctrl-C reaches every process of a terminal; one that is attached leaves it to who started it.</param>
    public Interruption(bool attached = false)
    {
        if (attached)
        {
            Attachment.Watch();
            _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
            _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
            return;
        }
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
    }

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _source.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        if (_source.IsCancellationRequested) return; // the default follows: the process ends
        context.Cancel = true;
        _source.Cancel();
    }
}
