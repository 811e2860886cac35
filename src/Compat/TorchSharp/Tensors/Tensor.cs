using TorchSharp.Internal;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A handle to an at::Tensor, freed by <see cref="Dispose()"/>, by its dispose scope or by the finalizer.</summary>
    public unsafe partial class Tensor : IDisposable
    {
        private static long _total;
        private static long _peak;

        private nint _handle;

        internal Tensor(nint handle)
        {
            _handle = handle;
            var total = Interlocked.Increment(ref _total);
            if (total > _peak) _peak = total;
            OwningDisposeScope = DisposeScopeManager.Register(this);
        }

        ~Tensor() => Dispose(false);

        /// <summary>Tensors of this process that are neither disposed nor finalized.</summary>
        public static long TotalCount => Interlocked.Read(ref _total);

        public static long PeakCount => Interlocked.Read(ref _peak);

        /// <summary>An at::Tensor*.</summary>
        public nint Handle =>
            _handle != 0 ? _handle : throw new InvalidOperationException("Tensor invalid -- empty handle.");

        public bool IsInvalid => _handle == 0;

        internal DisposeScope? OwningDisposeScope { get; set; }

        /// <summary>Takes over an at::Tensor* that the caller owns.</summary>
        public static Tensor UnsafeCreateTensor(nint handle) => new(handle);

        /// <summary>Gives up the native handle to the caller; this object is invalid from then on.</summary>
        public nint DecoupleFromNativeHandle()
        {
            GC.SuppressFinalize(this);
            var handle = Interlocked.Exchange(ref _handle, 0);
            if (handle != 0) Forget();
            return handle;
        }

        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        /// <summary>Into the scope of another tensor, or out of all scopes when that one is in none.</summary>
        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveTo(other.OwningDisposeScope);

        public Tensor MoveToOtherDisposeScope(DisposeScope other) => MoveTo(other);

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            var handle = Interlocked.Exchange(ref _handle, 0);
            if (handle == 0) return;
            if (disposing) Forget();
            else Interlocked.Decrement(ref _total);
            Native.vts_tensor_delete(handle);
        }

        /// <summary>The same object for another native tensor, whose wrapper becomes invalid.</summary>
        internal void TakeOver(Tensor other)
        {
            var old = _handle;
            _handle = other.DecoupleFromNativeHandle();
            if (old != 0) Native.vts_tensor_delete(old);
            else Interlocked.Increment(ref _total);
        }

        private Tensor MoveTo(DisposeScope? scope)
        {
            if (OwningDisposeScope is { } owner) owner.MoveToOther(scope, this);
            else scope?.Attach(this);
            return this;
        }

        private void Forget()
        {
            Interlocked.Decrement(ref _total);
            if (OwningDisposeScope is { } scope) scope.MarkAsDisposed(this);
            else DisposeScopeManager.OfThread.StatisticsOf(this).DisposedOutsideScopeCount++;
        }
    }
}
