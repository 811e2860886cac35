using System.Buffers;
using System.Text;

namespace Grpc.Core;

public sealed partial class Metadata
{
    private static readonly SearchValues<char> KeyCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_.");

    /// <summary>A key in lower case with its value: text, or bytes where the key ends in "-bin".</summary>
    public class Entry
    {
        private readonly string? text;
        private readonly byte[]? bytes;

        public Entry(string key, string value)
        {
            Key = Normalized(key);
            if (IsBinary) throw new ArgumentException($"The key {Key} ends in {BinaryHeaderSuffix}, so its value has to be bytes.", nameof(key));
            text = value ?? throw new ArgumentNullException(nameof(value));
        }

        public Entry(string key, byte[] valueBytes)
        {
            Key = Normalized(key);
            if (!IsBinary) throw new ArgumentException($"The key {Key} has to end in {BinaryHeaderSuffix} for its value to be bytes.", nameof(key));
            ArgumentNullException.ThrowIfNull(valueBytes);
            bytes = valueBytes.AsSpan().ToArray();
        }

        public string Key { get; }

        public bool IsBinary => Key.EndsWith(BinaryHeaderSuffix, StringComparison.Ordinal);

        public string Value => text ?? throw new InvalidOperationException($"The value of {Key} is bytes, not text.");

        /// <summary>A copy of the bytes; of a text, its ASCII bytes.</summary>
        public byte[] ValueBytes => bytes is null ? Encoding.ASCII.GetBytes(text!) : bytes.AsSpan().ToArray();

        public override string ToString() =>
            bytes is null ? $"[Entry: key={Key}, value={text}]" : $"[Entry: key={Key}, valueBytes={Convert.ToHexString(bytes)}]";

        private static string Normalized(string key)
        {
            ArgumentNullException.ThrowIfNull(key);
            var lower = key.ToLowerInvariant();
            if (lower.Length == 0 || lower.AsSpan().ContainsAnyExcept(KeyCharacters))
            {
                throw new ArgumentException($"A metadata key has letters, digits, '-', '_' and '.' only, but this one is \"{key}\".", nameof(key));
            }
            return lower;
        }
    }
}
