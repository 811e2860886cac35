using TorchSharp.Internal;
using static TorchSharp.torch;

namespace TorchSharp.Tests;

public sealed class DisposeScopeTests
{
    [Fact]
    public void Closing_DisposesWhatWasCreatedInside_AndBringsTheCountsBack()
    {
        Settle();
        var (managed, native) = (Tensor.TotalCount, Native.LiveObjects);
        using (NewDisposeScope())
        {
            var x = ones(3) + 1;
            _ = x.chunk(3);
            Assert.Equal(managed + 5, Tensor.TotalCount);
        }
        Assert.Equal((managed, native), (Tensor.TotalCount, Native.LiveObjects));
    }

    [Fact]
    public void Detached_AndMovedTensors_Survive()
    {
        Tensor detached, moved, gone, other;
        using var elsewhere = NewDisposeScope();
        using (var outer = NewDisposeScope())
        {
            using (NewDisposeScope())
            {
                detached = ones(1).DetachFromDisposeScope();
                moved = ones(1).MoveToOuterDisposeScope();
                other = ones(1).MoveToOtherDisposeScope(elsewhere);
                gone = ones(1);
            }
            Assert.True(gone.IsInvalid);
            Assert.False(moved.IsInvalid);
            Assert.True(outer.Contains(moved));
            Assert.Equal(1, outer.DisposablesCount);
        }
        Assert.True(moved.IsInvalid);
        Assert.False(other.IsInvalid);
        Assert.False(detached.IsInvalid);
        detached.Dispose();
        Assert.Throws<InvalidOperationException>(() => detached.shape);
    }

    [Fact]
    public void DisposeEverythingBut_KeepsItsArguments()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (ones(1), ones(1));
        Assert.Same(a, scope.DisposeEverythingBut(a));
        Assert.False(a.IsInvalid);
        Assert.True(b.IsInvalid);
    }

    [Fact]
    public void Wrapped_KeepsTheResultAlone()
    {
        Settle();
        var before = Tensor.TotalCount;
        using (var result = WrappedTensorDisposeScope(() => ones(2) * 2 + 1))
        {
            Values.AssertEqual([3, 3], result);
            Assert.Equal(before + 1, Tensor.TotalCount);
        }
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void Statistics_CountByThread()
    {
        DisposeScopeManager.Statistics.Reset();
        using (NewDisposeScope())
        {
            ones(1).Dispose();
            _ = ones(1);
            ones(1).DetachFromDisposeScope().Dispose();
        }
        ones(1).Dispose();
        var counts = DisposeScopeManager.Statistics.TensorStatistics;
        Assert.Equal((3, 2), (counts.CreatedInScopeCount, counts.DisposedInScopeCount));
        Assert.Equal((1, 2), (counts.CreatedOutsideScopeCount, counts.DisposedOutsideScopeCount));
        Assert.Equal((1, 0), (counts.DetachedFromScopeCount, counts.ThreadTotalLiveCount));
    }

    [Fact]
    public void Forgotten_TensorsAreFreedByTheFinalizer()
    {
        Settle();
        var before = Native.LiveObjects;
        Forget();
        Assert.True(Native.LiveObjects >= before + 100);
        Settle();
        Assert.Equal(before, Native.LiveObjects);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static void Forget()
    {
        for (var i = 0; i < 100; i++) _ = ones(1);
    }

    private static void Settle()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
