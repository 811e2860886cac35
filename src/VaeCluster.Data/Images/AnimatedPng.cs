using System.Buffers.Binary;

namespace VaeCluster.Data.Images;

/// <summary>
/// Pictures one after the other, without end, as APNG (W3C, Portable Network Graphics, third edition, 11.3.6): browsers and
/// image viewers show it, and one that knows PNG alone shows the first.
/// </summary>
public static class AnimatedPng
{
    /// <param name="frames">At least one, all of one size and number of channels.</param>
    /// <param name="delay">How long each is shown; under 65 seconds.</param>
    public static byte[] Encode(IReadOnlyList<Picture> frames, TimeSpan delay)
    {
        ArgumentNullException.ThrowIfNull(frames);
        ArgumentOutOfRangeException.ThrowIfZero(frames.Count, nameof(frames));
        var milliseconds = checked((ushort)delay.TotalMilliseconds);
        var (width, height, channels) = (frames[0].Width, frames[0].Height, frames[0].Channels);
        using var file = new MemoryStream();
        PngEncoder.Begin(file, width, height, channels);
        Span<byte> animation = stackalloc byte[8]; // frames, and 0 for no end
        BinaryPrimitives.WriteInt32BigEndian(animation, frames.Count);
        PngEncoder.Chunk(file, "acTL"u8, animation);
        Span<byte> control = stackalloc byte[26];
        var sequence = 0;
        foreach (var (index, frame) in frames.Index())
        {
            if ((frame.Width, frame.Height, frame.Channels) != (width, height, channels))
                throw new ArgumentException($"Frame {index} is {frame.Width}x{frame.Height}x{frame.Channels}, the first {width}x{height}x{channels}.", nameof(frames));
            control.Clear(); // no offset, nothing is kept of the frame before
            BinaryPrimitives.WriteInt32BigEndian(control, sequence++);
            BinaryPrimitives.WriteInt32BigEndian(control[4..], width);
            BinaryPrimitives.WriteInt32BigEndian(control[8..], height);
            BinaryPrimitives.WriteUInt16BigEndian(control[20..], milliseconds);
            BinaryPrimitives.WriteUInt16BigEndian(control[22..], 1000);
            PngEncoder.Chunk(file, "fcTL"u8, control);
            var data = PngEncoder.Data(width, height, channels, frame.Pixels);
            if (index == 0)
            {
                PngEncoder.Chunk(file, "IDAT"u8, data);
                continue;
            }
            var numbered = new byte[4 + data.Length];
            BinaryPrimitives.WriteInt32BigEndian(numbered, sequence++);
            data.CopyTo(numbered, 4);
            PngEncoder.Chunk(file, "fdAT"u8, numbered);
        }
        PngEncoder.Chunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    /// <summary>By temporary name.</summary>
    public static void Save(string path, IReadOnlyList<Picture> frames, TimeSpan delay) => ImageWriter.Write(path, Encode(frames, delay));
}
