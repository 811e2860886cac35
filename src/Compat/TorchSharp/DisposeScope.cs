namespace TorchSharp;

/// <summary>
/// Disposes, when it is disposed, the tensors that its thread created since it was opened, except those that were
/// detached or moved. Scopes nest; each belongs to the thread that opened it.
/// </summary>
public sealed class DisposeScope : IDisposable
{
    private readonly DisposeScopeManager _manager;
    private bool _disposed;

    internal DisposeScope(DisposeScopeManager manager) => _manager = manager;

    /// <summary>A snapshot of what the scope would dispose.</summary>
    public IReadOnlyList<IDisposable> DisposablesView => [.. Disposables];

    public int DisposablesCount => Disposables.Count;

    internal HashSet<IDisposable> Disposables { get; private set; } = new(ReferenceEqualityComparer.Instance);

    private DisposeScope? Outer => _manager.Outer(this);

    public bool Contains(IDisposable disposable) => Disposables.Contains(disposable);

    /// <summary>Puts it into this scope, out of whichever it was in.</summary>
    public void Attach(IDisposable disposable)
    {
        if (disposable is torch.Tensor tensor)
        {
            if (tensor.OwningDisposeScope == this) return;
            tensor.OwningDisposeScope?.Disposables.Remove(tensor);
            tensor.OwningDisposeScope = this;
        }
        if (Disposables.Add(disposable)) _manager.StatisticsOf(disposable).AttachedToScopeCount++;
    }

    public void Attach(params IDisposable[] disposables) => Attach((IEnumerable<IDisposable>)disposables);

    public IReadOnlyList<IDisposable> Attach(IEnumerable<IDisposable> disposables)
    {
        IDisposable[] all = [.. disposables];
        foreach (var disposable in all) Attach(disposable);
        return all;
    }

    /// <summary>Out of this scope: from now on its holder disposes of it.</summary>
    public T Detach<T>(T disposable)
        where T : IDisposable
    {
        if (Disposables.Remove(disposable))
        {
            _manager.StatisticsOf(disposable).DetachedFromScopeCount++;
            if (disposable is torch.Tensor tensor) tensor.OwningDisposeScope = null;
        }
        return disposable;
    }

    public (T1 first, T2 second) Detach<T1, T2>(T1 first, T2 second)
        where T1 : IDisposable
        where T2 : IDisposable => (Detach(first), Detach(second));

    public void Detach(params IDisposable[] disposables) => Detach((IEnumerable<IDisposable>)disposables);

    public void Detach(IEnumerable<IDisposable> disposables)
    {
        foreach (var disposable in disposables) Detach(disposable);
    }

    /// <summary>Into the scope around this one; out of all scopes where there is none.</summary>
    public T MoveToOuter<T>(T disposable)
        where T : IDisposable => Outer is { } outer ? MoveToOther(outer, disposable) : Detach(disposable);

    public (T1 first, T2 second) MoveToOuter<T1, T2>(T1 first, T2 second)
        where T1 : IDisposable
        where T2 : IDisposable => (MoveToOuter(first), MoveToOuter(second));

    public (T1 first, T2 second, T3 third) MoveToOuter<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable
        where T2 : IDisposable
        where T3 : IDisposable => (MoveToOuter(first), MoveToOuter(second), MoveToOuter(third));

    public void MoveToOuter(params IDisposable[] disposables) => MoveToOuter((IEnumerable<IDisposable>)disposables);

    public void MoveToOuter(IEnumerable<IDisposable> disposables)
    {
        foreach (var disposable in disposables) MoveToOuter(disposable);
    }

    public T MoveToOther<T>(DisposeScope? scope, T disposable)
        where T : IDisposable
    {
        if (scope is null) return Detach(disposable);
        if (Disposables.Remove(disposable))
        {
            scope.Disposables.Add(disposable);
            if (disposable is torch.Tensor tensor) tensor.OwningDisposeScope = scope;
        }
        return disposable;
    }

    /// <summary>Disposes of what the scope holds; the scope stays open.</summary>
    public void DisposeEverything() => DisposeEverythingBut(Array.Empty<IDisposable>());

    public void DisposeEverythingBut(IEnumerable<IDisposable> inKeep)
    {
        HashSet<IDisposable> keep = new(inKeep, ReferenceEqualityComparer.Instance);
        var all = Disposables;
        Disposables = new(ReferenceEqualityComparer.Instance);
        foreach (var disposable in all)
        {
            if (keep.Contains(disposable))
            {
                Disposables.Add(disposable);
                continue;
            }
            _manager.StatisticsOf(disposable).DisposedInScopeCount++;
            disposable.Dispose();
            if (disposable is torch.Tensor tensor) tensor.OwningDisposeScope = null;
        }
    }

    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut((IEnumerable<IDisposable>)keep);

    public T DisposeEverythingBut<T>(T keep)
        where T : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[keep]);
        return keep;
    }

    /// <summary>Told by something that was disposed of by its holder.</summary>
    public void MarkAsDisposed(IDisposable disposable)
    {
        if (!Disposables.Remove(disposable)) return;
        _manager.StatisticsOf(disposable).DisposedInScopeCount++;
        if (disposable is torch.Tensor tensor) tensor.OwningDisposeScope = null;
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        DisposeEverything();
        _manager.Close(this);
    }
}
