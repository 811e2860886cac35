using System.Buffers;
using Grpc.Core;
using VaeCluster.Protocol.Segments;

namespace VaeCluster.Protocol.Tests.Segments;

/// <summary>The segment's marshallers as a call has them, without a call.</summary>
internal static class SegmentBytes
{
    public static byte[] Write(in SegmentHeader header, byte[] payload)
    {
        var recorder = new MethodRecorder();
        SegmentExchange.Open(recorder);
        var context = new Written();
        recorder.Method!.RequestMarshaller.ContextualSerializer(new SegmentMessage(header, payload), context);
        return context.Bytes;
    }

    public static (SegmentHeader Header, byte[] Payload) Read(ReadOnlySequence<byte> bytes) => Read(bytes, (_, length) => SegmentPlace.Into(new byte[length]));

    public static (SegmentHeader Header, byte[] Payload) Read(ReadOnlySequence<byte> bytes, Func<SegmentHeader, int, SegmentPlace> place)
    {
        var recorder = new MethodRecorder.Binder();
        SegmentExchange.Serve(new Sink(place), (_, _, _) => Task.CompletedTask).BindService(recorder);
        var segment = recorder.Method!.RequestMarshaller.ContextualDeserializer(new Arrived(bytes));
        return (segment.Header, segment.Payload.ToArray());
    }

    public static SegmentHeader HeaderOf(V1.Segment message) => new()
    {
        Run = message.Run,
        Generation = Of(message.Generation),
        KnownGeneration = Of(message.KnownGeneration),
        Step = message.Step,
        Bucket = message.Bucket,
        Chunk = message.Chunk,
        Phase = message.Phase,
        Format = message.Format,
        Offset = message.Offset,
        FirstSlot = message.FirstSlot,
        Slots = message.Slots,
        Sender = message.Sender,
    };

    /// <summary>The bytes in pieces, as they lie in a server's pipe.</summary>
    public static ReadOnlySequence<byte> Split(byte[] bytes, Random random)
    {
        var first = new Piece(bytes.AsMemory(0, random.Next(bytes.Length + 1)), 0);
        var last = first;
        for (var at = first.Memory.Length; at < bytes.Length;)
        {
            var length = random.Next(1, Math.Min(bytes.Length - at, 50) + 1);
            last = last.Append(bytes.AsMemory(at, length));
            at += length;
        }
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private static PlanGeneration Of(V1.Generation? generation) => generation is null ? default : new(generation.Term, generation.Number);

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, long at) => (Memory, RunningIndex) = (memory, at);

        public Piece Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Piece(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }

    private sealed class Written : SerializationContext
    {
        private readonly ArrayBufferWriter<byte> writer = new();
        private int announced = -1;
        private bool complete;

        public byte[] Bytes => complete && announced == writer.WrittenCount
            ? writer.WrittenSpan.ToArray()
            : throw new InvalidOperationException($"{announced} bytes were announced, {writer.WrittenCount} written, complete: {complete}.");

        public override void SetPayloadLength(int payloadLength) => announced = payloadLength;

        public override IBufferWriter<byte> GetBufferWriter() => writer;

        public override void Complete() => complete = true;
    }

    private sealed class Arrived(ReadOnlySequence<byte> bytes) : DeserializationContext
    {
        public override int PayloadLength => (int)bytes.Length;

        public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => bytes;
    }
}
