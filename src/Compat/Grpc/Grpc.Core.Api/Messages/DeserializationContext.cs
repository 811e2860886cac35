using System.Buffers;

namespace Grpc.Core;

/// <summary>
/// One message from the wire. The sequence is valid until the deserializer returns. As in the official assembly the bytes are
/// virtual, not abstract, and throw <see cref="NotImplementedException"/> until a transport overrides them.
/// </summary>
public abstract class DeserializationContext
{
    public abstract int PayloadLength { get; }

    public virtual byte[] PayloadAsNewBuffer() => throw new NotImplementedException();

    public virtual ReadOnlySequence<byte> PayloadAsReadOnlySequence() => new(PayloadAsNewBuffer());
}
