using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VaeCluster.Torch.Native;

namespace VaeCluster.Torch;

/// <summary>
/// Tells which buckets of the flat gradient are complete while backward still computes the others. Without the native
/// additions all buckets are reported after backward, in their order: the same result, nothing overlapped.
/// </summary>
public sealed unsafe partial class GradientHooks : IDisposable
{
    private readonly int buckets;
    private readonly Action<int> ready;
    private readonly GCHandle self;
    private readonly HooksHandle? native;
    private Exception? failure;

    /// <param name="parameters">The parameters, their layout and buckets.</param>
    /// <param name="ready">Called with a bucket's index on the thread that runs backward (CUDA: on the engine's thread, when
    /// the kernels are enqueued but not done).</param>
    public GradientHooks(FlatParameters parameters, Action<int> ready)
    {
        buckets = parameters.Layout.Buckets.Count;
        this.ready = ready;
        self = GCHandle.Alloc(this);
        if (!NativeAdditions.Available) return;

        var handles = parameters.Ordered.Select(parameter => parameter.Handle).ToArray();
        var bucketOf = parameters.Layout.Parameters.Select(parameters.Layout.BucketOf).ToArray();
        fixed (nint* parameterHandles = handles)
        fixed (int* bucketIndexes = bucketOf)
        {
            NativeAdditions.Check(vct_gradient_hooks_new(parameterHandles, bucketIndexes, handles.Length, buckets,
                &OnBucketReady, GCHandle.ToIntPtr(self), out var hooks));
            native = new HooksHandle(hooks);
        }
    }

    /// <summary>Runs backward; every bucket has been reported when it returns.</summary>
    public void Run(Action backward)
    {
        failure = null;
        if (native is null)
        {
            backward();
            for (var bucket = 0; bucket < buckets; bucket++) ready(bucket);
            return;
        }
        NativeAdditions.Check(vct_gradient_hooks_arm(native.DangerousGetHandle(), 1));
        try
        {
            backward();
        }
        finally
        {
            NativeAdditions.Check(vct_gradient_hooks_arm(native.DangerousGetHandle(), 0));
        }
        if (failure is { } thrown) throw new InvalidOperationException("Handling a complete bucket failed.", thrown);
    }

    public void Dispose()
    {
        native?.Dispose();
        if (self.IsAllocated) self.Free();
    }

    // An exception must not cross the native frames of backward: it is kept and thrown behind them.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnBucketReady(nint context, int bucket)
    {
        var hooks = (GradientHooks)GCHandle.FromIntPtr(context).Target!;
        try
        {
            if (hooks.failure is null) hooks.ready(bucket);
        }
#pragma warning disable CA1031 // any exception is passed on by Run
        catch (Exception exception)
#pragma warning restore CA1031
        {
            hooks.failure = exception;
        }
    }

    [LibraryImport(NativeAdditions.Library)]
    private static partial int vct_gradient_hooks_new(nint* parameters, int* bucketOfParameter, int count, int bucketCount,
        delegate* unmanaged[Cdecl]<nint, int, void> callback, nint context, out nint result);

    [LibraryImport(NativeAdditions.Library)]
    private static partial int vct_gradient_hooks_arm(nint hooks, int armed);

    [LibraryImport(NativeAdditions.Library)]
    private static partial int vct_gradient_hooks_delete(nint hooks);

    private sealed class HooksHandle : SafeHandle
    {
        public HooksHandle(nint hooks) : base(0, ownsHandle: true) => SetHandle(hooks);

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle() => vct_gradient_hooks_delete(handle) == 0;
    }
}
