using System.Runtime.InteropServices;

namespace VaeCluster.Checkpoints;

/// <summary>
/// The one copy of the state that a save costs. It holds the files of the checkpoint as they will lie on the storage, header
/// and data, so that whatever happens later (hash, write, upload, retry) needs no copy of its own. Kept between saves,
/// because the first touch of fresh memory costs more than the copy.
/// </summary>
internal sealed unsafe class SnapshotBuffer : IDisposable
{
    private const int FileAlignment = 64;

    private byte* _memory;
    private nuint _capacity;
    private (CheckpointSnapshot Of, IReadOnlyList<PlannedFile> Files)? _planned;

    public IReadOnlyList<SnapshotFile> Files { get; private set; } = [];

    /// <summary>Bytes held.</summary>
    public long Capacity => (long)_capacity;

    /// <summary>Touches the memory that a snapshot of this shape will need.</summary>
    public void Reserve(CheckpointSnapshot snapshot)
    {
        var length = Plan(snapshot).Sum(file => Aligned(file.Length));
        if ((nuint)length <= _capacity) return;
        Grow(length);
        NativeMemory.Clear(_memory, _capacity);
    }

    /// <summary>Copies. The files of the snapshot before are gone with it.</summary>
    public void Fill(CheckpointSnapshot snapshot)
    {
        var plan = Plan(snapshot);
        Grow(plan.Sum(file => Aligned(file.Length)));
        var files = new List<SnapshotFile>();
        var copies = new List<(nint From, nint To, long Bytes)>();
        var at = _memory;
        foreach (var file in plan)
        {
            file.Header.CopyTo(new Span<byte>(at, file.Header.Length));
            var data = at + file.Header.Length;
            foreach (var tensor in file.Tensors)
            {
                if (tensor.Address is { } address) copies.Add((address(), (nint)data, tensor.Length));
                else tensor.Copy(new Span<byte>(data, checked((int)tensor.Length)));
                data += tensor.Length;
            }
            files.Add(new SnapshotFile(file.Name, at, file.Length, file.Header.Length, file.Tensors));
            at += Aligned(file.Length);
        }
        MemoryCopy.Run(copies);
        Files = files;
    }

    public void Dispose()
    {
        Files = [];
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        _capacity = 0;
    }

    private void Grow(long length)
    {
        if ((nuint)length <= _capacity) return;
        // Freed first: two of them would be a second copy.
        Dispose();
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)length, 4096);
        _capacity = (nuint)length;
    }

    private static long Aligned(long length) => (length + FileAlignment - 1) / FileAlignment * FileAlignment;

    // The same tensors are saved again and again.
    private IReadOnlyList<PlannedFile> Plan(CheckpointSnapshot snapshot)
    {
        if (_planned is not var (of, files) || of.Weights != snapshot.Weights || of.Optimizer != snapshot.Optimizer || of.Ema != snapshot.Ema)
            _planned = (snapshot, files = [.. snapshot.Files().Select(file => PlannedFile.Of(file.Name, file.Tensors))]);
        return files;
    }

    private sealed record PlannedFile(string Name, byte[] Header, IReadOnlyList<CheckpointTensor> Tensors, long Length)
    {
        // Readers of other frameworks ask for it.
        private static readonly Dictionary<string, string> Format = new() { ["format"] = "pt" };

        public static PlannedFile Of(string name, IReadOnlyList<CheckpointTensor> tensors)
        {
            using var header = new MemoryStream();
            using (new SafetensorsWriter(header, tensors.Select(tensor => tensor.Declaration), Format, leaveOpen: true)) { }
            return new(name, header.ToArray(), tensors, header.Length + tensors.Sum(tensor => tensor.Length));
        }
    }
}
