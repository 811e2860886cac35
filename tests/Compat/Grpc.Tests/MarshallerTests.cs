using System.Buffers;
using Grpc.Core;

namespace Grpc.Tests;

/// <summary>A marshaller made one way can be asked the other way.</summary>
public sealed class MarshallerTests
{
    [Fact]
    public void ByArrays_AskedByContext_GivesTheSame()
    {
        var payload = Marshallers.StringMarshaller.Serializer("text");
        var context = new ArrayContext(payload);
        Marshallers.StringMarshaller.ContextualSerializer("text", context);

        Assert.Equal(payload, context.Completed);
        Assert.Equal("text", Marshallers.StringMarshaller.ContextualDeserializer(new Payload(payload)));
    }

    [Fact]
    public void ByContext_AskedByArrays_GivesTheSame()
    {
        var marshaller = Marshallers.Create<byte[]>(
            (value, context) =>
            {
                context.SetPayloadLength(value.Length);
                context.GetBufferWriter().Write(value);
                context.Complete();
            },
            context => context.PayloadAsReadOnlySequence().ToArray());

        Assert.Equal([1, 2, 3], marshaller.Serializer([1, 2, 3]));
        Assert.Equal([1, 2, 3], marshaller.Deserializer([1, 2, 3]));
    }

    [Fact]
    public void ByContext_SerializerDoesNotComplete_Throws()
    {
        var marshaller = Marshallers.Create<string>((_, _) => { }, _ => "");

        Assert.Throws<InvalidOperationException>(() => marshaller.Serializer(""));
    }

    private sealed class ArrayContext(byte[] expected) : SerializationContext
    {
        public byte[]? Completed { get; private set; }

        public override void Complete(byte[] payload)
        {
            Assert.Equal(expected.Length, payload.Length);
            Completed = payload;
        }
    }

    private sealed class Payload(byte[] bytes) : DeserializationContext
    {
        public override int PayloadLength => bytes.Length;

        public override byte[] PayloadAsNewBuffer() => bytes;
    }
}
