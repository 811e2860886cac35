using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace VaeCluster.Config.Runs;

/// <summary>
/// Scalars and pictures for TensorBoard: a file of events per process, in TFRecord framing, each event written as soon as
/// it is told. Formats: tensorflow/core/lib/io/record_writer and tensorflow/core/util/event.proto. Not for several threads.
/// </summary>
public sealed class TensorBoardLog : IDisposable
{
    private const string Prefix = "events.out.tfevents.";
    private const uint MaskDelta = 0xa282ead8; // of TFRecord: a checksum of data that hold checksums would be weak

    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    private readonly GrowingFile file;

    private TensorBoardLog(GrowingFile file) => this.file = file;

    /// <inheritdoc cref="GrowingFile.Failure"/>
    public Exception? Failure => file.Failure;

    /// <summary>Begins a file beside those of earlier processes. What these have told of later steps is done again, and void.</summary>
    /// <param name="folder">Made where it is not there.</param>
    /// <param name="afterStep">Steps done.</param>
    public static TensorBoardLog Open(string folder, long afterStep)
    {
        var earlier = Directory.CreateDirectory(folder).GetFiles(Prefix + "*");
        // Readers take the files in the order of their names: the second they are from, in ten digits, comes first.
        var newest = earlier.Select(old => TimeOf(old.Name)).DefaultIfEmpty(-1).Max();
        var time = Math.Max(DateTimeOffset.UtcNow.ToUnixTimeSeconds(), newest + 1);
        var name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{time:D10}.{Environment.MachineName}.{Environment.ProcessId}");
        var log = new TensorBoardLog(new GrowingFile(Path.Combine(folder, name), FileMode.CreateNew));
        log.Write(0, new ProtoWriter().Text(3, "brain.Event:2"));
        // A session's start purges what there is of its step and of later ones.
        if (earlier.Length > 0) log.Write(afterStep + 1, new ProtoWriter().Message(7, new ProtoWriter().Varint(1, 1)));
        return log;
    }

    /// <param name="step">Steps done.</param>
    /// <param name="values">A slash in a tag groups it.</param>
    public void Scalars(long step, params (string Tag, double Value)[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var summary = new ProtoWriter();
        foreach (var (tag, value) in values) summary.Message(1, new ProtoWriter().Text(1, tag).Float(2, (float)value));
        Write(step, new ProtoWriter().Message(5, summary));
    }

    /// <param name="step">Steps done.</param>
    /// <param name="tag">Pictures of one tag become a series.</param>
    /// <param name="pngPath">Read now; it may go afterwards.</param>
    /// <exception cref="InvalidDataException">The file is no PNG.</exception>
    public void Image(long step, string tag, string pngPath)
    {
        var png = File.ReadAllBytes(pngPath);
        // Signature, then the header chunk: length, "IHDR", width, height, depth, colour type.
        if (png.Length < 26 || !png.AsSpan(0, 8).SequenceEqual(PngSignature)) throw new InvalidDataException($"{pngPath} is no PNG.");
        var channels = png[25] switch { 0 => 1UL, 4 => 2UL, 6 => 4UL, _ => 3UL };
        var image = new ProtoWriter()
            .Varint(1, BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(20))).Varint(2, BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(16)))
            .Varint(3, channels).Bytes(4, png);
        Write(step, new ProtoWriter().Message(5, new ProtoWriter().Message(1, new ProtoWriter().Text(1, tag).Message(4, image))));
    }

    /// <inheritdoc cref="GrowingFile.Complete"/>
    public void Complete() => file.Complete();

    public void Dispose() => file.Dispose();

    private static long TimeOf(string name) =>
        long.TryParse(name.AsSpan(Prefix.Length, Math.Max(0, name.IndexOf('.', Prefix.Length) - Prefix.Length)), CultureInfo.InvariantCulture, out var time) ? time : -1;

    /// <summary>One record: length, its checksum, the event, its checksum.</summary>
    private void Write(long step, ProtoWriter content)
    {
        var wallTime = (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).TotalSeconds;
        var data = new ProtoWriter().Double(1, wallTime).Varint(2, (ulong)step).Append(content).Written;
        var record = new byte[data.Length + 16];
        BinaryPrimitives.WriteInt64LittleEndian(record, data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), Checksum(record.AsSpan(0, 8)));
        data.CopyTo(record.AsSpan(12));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), Checksum(data));
        file.Append(record);
    }

    private static uint Checksum(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        for (; data.Length >= 8; data = data[8..]) crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
        foreach (var value in data) crc = BitOperations.Crc32C(crc, value);
        return BitOperations.RotateRight(~crc, 15) + MaskDelta;
    }
}
