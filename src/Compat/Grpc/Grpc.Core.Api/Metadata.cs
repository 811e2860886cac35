using System.Collections;

namespace Grpc.Core;

/// <summary>Headers or trailers of a call. Keys may repeat; their order is kept.</summary>
public sealed partial class Metadata : IList<Metadata.Entry>
{
    /// <summary>Keys with this end have bytes for a value, the others ASCII text.</summary>
    public const string BinaryHeaderSuffix = "-bin";

    public static readonly Metadata Empty = new() { IsReadOnly = true };

    private readonly List<Entry> entries = [];

    public int Count => entries.Count;

    public bool IsReadOnly { get; private init; }

    public Entry this[int index]
    {
        get => entries[index];
        set => Changeable()[index] = value ?? throw new ArgumentNullException(nameof(value));
    }

    /// <summary>The last entry with the key, or null.</summary>
    public Entry? Get(string key) => entries.FindLast(entry => entry.Key == key);

    public string? GetValue(string key) => Get(key)?.Value;

    public byte[]? GetValueBytes(string key) => Get(key)?.ValueBytes;

    public IEnumerable<Entry> GetAll(string key) => entries.Where(entry => entry.Key == key);

    public void Add(Entry item) => Changeable().Add(item ?? throw new ArgumentNullException(nameof(item)));

    public void Add(string key, string value) => Add(new Entry(key, value));

    public void Add(string key, byte[] valueBytes) => Add(new Entry(key, valueBytes));

    public void Insert(int index, Entry item) => Changeable().Insert(index, item ?? throw new ArgumentNullException(nameof(item)));

    public bool Remove(Entry item) => Changeable().Remove(item);

    public void RemoveAt(int index) => Changeable().RemoveAt(index);

    public void Clear() => Changeable().Clear();

    public bool Contains(Entry item) => entries.Contains(item);

    public int IndexOf(Entry item) => entries.IndexOf(item);

    public void CopyTo(Entry[] array, int arrayIndex) => entries.CopyTo(array, arrayIndex);

    public IEnumerator<Entry> GetEnumerator() => entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private List<Entry> Changeable() =>
        IsReadOnly ? throw new InvalidOperationException("This metadata is read-only.") : entries;
}
