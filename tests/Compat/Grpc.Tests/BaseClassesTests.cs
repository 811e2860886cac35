using Grpc.Core;

namespace Grpc.Tests;

/// <summary>What the official base classes do until somebody overrides them.</summary>
public sealed class BaseClassesTests
{
    private static readonly Method<string, string> Method =
        new(MethodType.Unary, "service", "method", Marshallers.StringMarshaller, Marshallers.StringMarshaller);

    [Fact]
    public void SerializationContext_TakesALength_AndNothingElse()
    {
        var context = new BareSerialization();

        context.SetPayloadLength(3);
        Assert.Throws<NotImplementedException>(() => context.Complete([1, 2, 3]));
        Assert.Throws<NotImplementedException>(context.GetBufferWriter);
        Assert.Throws<NotImplementedException>(context.Complete);
    }

    [Fact]
    public void DeserializationContext_HasNoBytes()
    {
        var context = new BareDeserialization();

        Assert.Throws<NotImplementedException>(context.PayloadAsNewBuffer);
        Assert.Throws<NotImplementedException>(() => context.PayloadAsReadOnlySequence());
    }

    [Fact]
    public void ServiceBinderBase_OverridesOneKind_TakesThatKindAlone()
    {
        var binder = new UnaryBinder();

        ServerServiceDefinition.CreateBuilder().AddMethod(Method, (request, _) => Task.FromResult(request)).Build().BindService(binder);
        Assert.Equal([Method.FullName], binder.Bound);

        Assert.Throws<NotImplementedException>(() => binder.AddMethod(Method, (ClientStreamingServerMethod<string, string>?)null));
        Assert.Throws<NotImplementedException>(() => binder.AddMethod(Method, (ServerStreamingServerMethod<string, string>?)null));
        Assert.Throws<NotImplementedException>(() => binder.AddMethod(Method, (DuplexStreamingServerMethod<string, string>?)null));
        Assert.Throws<NotImplementedException>(() => new ServiceBinderBase().AddMethod(Method, (UnaryServerMethod<string, string>?)null));
    }

    private sealed class BareSerialization : SerializationContext;

    private sealed class BareDeserialization : DeserializationContext
    {
        public override int PayloadLength => 3;
    }

    private sealed class UnaryBinder : ServiceBinderBase
    {
        public List<string> Bound { get; } = [];

        public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
            Bound.Add(method.FullName);
    }
}
