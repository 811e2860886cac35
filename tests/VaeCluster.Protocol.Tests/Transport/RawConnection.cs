using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace VaeCluster.Protocol.Tests.Transport;

/// <summary>A TCP connection that says whatever it likes, with what it takes to sound like HTTP/2 and gRPC.</summary>
internal sealed class RawConnection : IDisposable
{
    public const byte Data = 0, Headers = 1, ResetStream = 3, Settings = 4, GoAway = 7, Continuation = 9;
    public const byte EndStream = 1, EndHeaders = 4;

    public static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    private readonly Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    public static async Task<RawConnection> OpenAsync(Uri server)
    {
        var connection = new RawConnection();
        await Deadline.For(connection.socket.ConnectAsync(server.Host, server.Port), "a connection");
        return connection;
    }

    public static byte[] Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload, int? length = null)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, (length ?? payload.Length) << 8);
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    /// <summary>A whole client's side of a unary call: preface, settings, headers, message.</summary>
    public static byte[] Call(string path, ReadOnlySpan<byte> message) =>
    [
        .. Preface,
        .. Frame(Settings, 0, 0, []),
        .. Frame(Headers, EndHeaders, 1, HeaderBlock(path)),
        .. Frame(Data, EndStream, 1, Message(message)),
    ];

    /// <summary>A gRPC message: not compressed, its length, its bytes.</summary>
    public static byte[] Message(ReadOnlySpan<byte> bytes, byte flag = 0, uint? length = null)
    {
        var message = new byte[5 + bytes.Length];
        message[0] = flag;
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(1), length ?? (uint)bytes.Length);
        bytes.CopyTo(message.AsSpan(5));
        return message;
    }

    /// <summary>HPACK's plainest form: literals without a table and without Huffman.</summary>
    public static byte[] HeaderBlock(string path)
    {
        var block = new MemoryStream();
        foreach (var (name, value) in new[]
        {
            (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "test"),
            ("content-type", "application/grpc"), ("te", "trailers"),
        })
        {
            block.WriteByte(0);
            Text(name);
            Text(value);
        }
        return block.ToArray();

        void Text(string text)
        {
            block.WriteByte((byte)text.Length);
            block.Write(Encoding.ASCII.GetBytes(text));
        }
    }

    public Task SendAsync(byte[] bytes) => Deadline.For(socket.SendAsync(bytes, SocketFlags.None), "bytes to go");

    /// <summary>Says that nothing more comes, and reads what the server says until it closes.</summary>
    public async Task<byte[]> FinishAsync()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The server was first.
        }
        return await ReadToEndAsync();
    }

    /// <summary>Everything until the server closes the connection, in order or by a reset.</summary>
    public async Task<byte[]> ReadToEndAsync()
    {
        var all = new MemoryStream();
        var buffer = new byte[16 * 1024];
        try
        {
            int read;
            while ((read = await Deadline.For(socket.ReceiveAsync(buffer, SocketFlags.None), "the server to close")) > 0) all.Write(buffer, 0, read);
        }
        catch (SocketException)
        {
            // A reset ends it too.
        }
        return all.ToArray();
    }

    /// <summary>Closes with a reset instead of in order.</summary>
    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    public void Dispose() => socket.Dispose();
}
