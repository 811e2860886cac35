using Grpc.Core;
using VaeCluster.Protocol.Segments;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Protocol.Tests.Segments;

/// <summary>Takes the method that a call is made with, and makes no call.</summary>
internal sealed class MethodRecorder : CallInvoker
{
    public Method<SegmentMessage, Receipt>? Method { get; private set; }

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        Method = (Method<SegmentMessage, Receipt>)(object)method;
        return null!;
    }

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();

    /// <summary>The same on the server's side.</summary>
    internal sealed class Binder : ServiceBinderBase
    {
        public Method<SegmentMessage, Receipt>? Method { get; private set; }

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) =>
            Method = (Method<SegmentMessage, Receipt>)(object)method;
    }
}
