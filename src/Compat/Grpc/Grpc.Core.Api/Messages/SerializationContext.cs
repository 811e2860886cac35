using System.Buffers;

namespace Grpc.Core;

/// <summary>
/// Takes one message to the wire: either all of it by <see cref="Complete(byte[])"/>, or its length first, then its bytes
/// through the buffer writer, then <see cref="Complete()"/>. As in the official assembly these are virtual, not abstract, and
/// throw <see cref="NotImplementedException"/> until a transport overrides them: it may offer one way alone.
/// </summary>
public abstract class SerializationContext
{
    public virtual void Complete(byte[] payload) => throw new NotImplementedException();

    public virtual IBufferWriter<byte> GetBufferWriter() => throw new NotImplementedException();

    public virtual void SetPayloadLength(int payloadLength)
    {
    }

    public virtual void Complete() => throw new NotImplementedException();
}
