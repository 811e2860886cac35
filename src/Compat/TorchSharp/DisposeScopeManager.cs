namespace TorchSharp;

/// <summary>The open dispose scopes of a thread, innermost last.</summary>
public class DisposeScopeManager
{
    [ThreadStatic]
    private static DisposeScopeManager? _ofThread;

    private readonly List<DisposeScope> _scopes = [];
    private readonly ThreadDisposeScopeStatistics _statistics = new();

    internal DisposeScopeManager()
    {
    }

    /// <summary>What happened on the calling thread.</summary>
    public static ThreadDisposeScopeStatistics Statistics => OfThread._statistics;

    internal static DisposeScopeManager OfThread => _ofThread ??= new DisposeScopeManager();

    internal DisposeScope? Current => _scopes.Count == 0 ? null : _scopes[^1];

    internal DisposeScope Open()
    {
        DisposeScope scope = new(this);
        _scopes.Add(scope);
        return scope;
    }

    internal void Close(DisposeScope scope) => _scopes.Remove(scope);

    internal DisposeScope? Outer(DisposeScope scope)
    {
        var index = _scopes.IndexOf(scope);
        return index > 0 ? _scopes[index - 1] : null;
    }

    /// <summary>The scope that a new tensor belongs to, if any is open on this thread.</summary>
    internal static DisposeScope? Register(torch.Tensor tensor)
    {
        var manager = OfThread;
        if (manager.Current is not { } scope)
        {
            manager._statistics.TensorStatistics.CreatedOutsideScopeCount++;
            return null;
        }
        manager._statistics.TensorStatistics.CreatedInScopeCount++;
        scope.Disposables.Add(tensor);
        return scope;
    }

    internal LifetimeStatistics StatisticsOf(IDisposable disposable) =>
        disposable is torch.Tensor ? _statistics.TensorStatistics : _statistics.Others;
}

/// <summary>Counts of one kind of disposables on one thread.</summary>
public class LifetimeStatistics
{
    internal LifetimeStatistics()
    {
    }

    public long CreatedOutsideScopeCount { get; internal set; }

    public long DisposedOutsideScopeCount { get; internal set; }

    public long CreatedInScopeCount { get; internal set; }

    public long DisposedInScopeCount { get; internal set; }

    public long AttachedToScopeCount { get; internal set; }

    public long DetachedFromScopeCount { get; internal set; }

    public long ThreadTotalLiveCount =>
        CreatedOutsideScopeCount + CreatedInScopeCount - DisposedOutsideScopeCount - DisposedInScopeCount;

    public void Reset()
    {
        CreatedOutsideScopeCount = DisposedOutsideScopeCount = CreatedInScopeCount = DisposedInScopeCount = 0;
        AttachedToScopeCount = DetachedFromScopeCount = 0;
    }
}

public class ThreadDisposeScopeStatistics
{
    internal ThreadDisposeScopeStatistics()
    {
    }

    public LifetimeStatistics TensorStatistics { get; } = new();

    public long CreatedOutsideScopeCount => TensorStatistics.CreatedOutsideScopeCount;

    public long DisposedOutsideScopeCount => TensorStatistics.DisposedOutsideScopeCount;

    public long CreatedInScopeCount => TensorStatistics.CreatedInScopeCount;

    public long DisposedInScopeCount => TensorStatistics.DisposedInScopeCount;

    public long AttachedToScopeCount => TensorStatistics.AttachedToScopeCount;

    public long DetachedFromScopeCount => TensorStatistics.DetachedFromScopeCount;

    public long ThreadTotalLiveCount => TensorStatistics.ThreadTotalLiveCount;

    internal LifetimeStatistics Others { get; } = new();

    public void Reset()
    {
        TensorStatistics.Reset();
        Others.Reset();
    }
}

public static partial class torch
{
    /// <summary>Opens a scope on this thread: what is created until it is disposed goes with it.</summary>
    public static DisposeScope NewDisposeScope() => DisposeScopeManager.OfThread.Open();

    /// <summary>The innermost open scope of this thread, null without one.</summary>
    public static DisposeScope? CurrentDisposeScope => DisposeScopeManager.OfThread.Current;

    /// <summary>Runs expr in a scope of its own and keeps only its result.</summary>
    public static Tensor WrappedTensorDisposeScope(Func<Tensor> expr)
    {
        using var scope = NewDisposeScope();
        return expr().MoveToOuterDisposeScope();
    }
}
