using System.Buffers;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using VaeCluster.Protocol.Segments;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Protocol.Tests.Segments;

/// <summary>The hand-written marshaller against Google.Protobuf, on the same bytes.</summary>
public sealed class SegmentFormatTests
{
    [Fact]
    public void Write_AnyHeader_IsWhatProtobufWrites()
    {
        var random = new Random(1);
        for (var i = 0; i < 2000; i++)
        {
            var message = RandomSegment(random);

            Assert.Equal(message.ToByteArray(), SegmentBytes.Write(SegmentBytes.HeaderOf(message), message.Payload.ToByteArray()));
        }
    }

    /// <summary>
    /// Bytes of valid segments, changed at random: what protobuf reads we read, with the same values; what it refuses we
    /// refuse with the status for bad input, and nothing else ever comes out.
    /// </summary>
    [Fact]
    public void Read_ChangedBytes_AgreesWithProtobuf()
    {
        var random = new Random(2);
        var (read, refused) = (0, 0);
        for (var i = 0; i < 30_000; i++)
        {
            var bytes = Change(random, RandomSegment(random).ToByteArray());
            V1.Segment? expected = null;
            try
            {
                expected = V1.Segment.Parser.ParseFrom(bytes);
            }
            catch (InvalidProtocolBufferException)
            {
            }

            var split = SegmentBytes.Split(bytes, random);
            // Its C# library lets text through that is not UTF-8, with a replacement character; the format does not.
            if (expected is null || expected.Run.Contains('\uFFFD') || Encoding.UTF8.GetByteCount(expected.Run) > SegmentWire.LongestRun)
            {
                Assert.Equal(StatusCode.InvalidArgument, Assert.Throws<RpcException>(() => SegmentBytes.Read(split)).StatusCode);
                refused++;
            }
            else
            {
                var (header, payload) = SegmentBytes.Read(split);
                Assert.Equal(SegmentBytes.HeaderOf(expected), header);
                Assert.Equal(expected.Payload.ToByteArray(), payload);
                read++;
            }
        }
        Assert.InRange(read, 3000, 27_000);
        Assert.InRange(refused, 3000, 27_000);
    }

    [Fact]
    public void Read_PayloadBeforeTheHeader_FindsItsPlaceAllTheSame()
    {
        var payload = new V1.Segment { Payload = ByteString.CopyFrom(1, 2, 3) }.ToByteArray();
        var rest = new V1.Segment { Run = "r", Step = 5, Generation = new Generation { Term = 1 } }.ToByteArray();
        var numberOnly = new V1.Segment { Generation = new Generation { Number = 2 } }.ToByteArray();

        var (header, read) = SegmentBytes.Read(new ReadOnlySequence<byte>([.. payload, .. rest, .. numberOnly]));

        Assert.Equal([1, 2, 3], read);
        Assert.Equal((5ul, "r"), (header.Step, header.Run));
        // Parts of a message in a message add up, by protobuf's rules.
        Assert.Equal(new PlanGeneration(1, 2), header.Generation);
    }

    [Fact]
    public void Read_UnknownFieldsOfEachKind_SkipsThem()
    {
        byte[] unknown =
        [
            0xA0, 0x06, 0x96, 0x01,                         // 100: varint
            0xA1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8,             // 100: 64 bits
            0xA2, 0x06, 2, 9, 9,                            // 100: bytes
            0xA5, 0x06, 1, 2, 3, 4,                         // 100: 32 bits
            0xA3, 0x06, 0xAB, 0x06, 0x08, 1, 0xAC, 0x06, 0xA4, 0x06, // 100: a group in a group
            0x22, 1, 0,                                     // 4, which is a varint, as bytes
        ];

        var (header, _) = SegmentBytes.Read(new ReadOnlySequence<byte>([.. unknown, 0x20, 7, .. unknown]));

        Assert.Equal(7ul, header.Step);
    }

    [Theory]
    [InlineData("20", "The message ends in the middle of a field.")]
    [InlineData("7A05010203", "The message ends in the middle of a field.")]
    [InlineData("2080808080808080808080 01", "A number has more than ten bytes.")]
    [InlineData("00", "A field's tag is 0, which is none.")]
    [InlineData("A40601", "Field 100 has wire type 4, which cannot stand here.")]
    [InlineData("A30608", "The message ends in the middle of a field.")]
    [InlineData("A306AC06", "The group of field 100 ends as field 101.")]
    [InlineData("0A02C328", "The run's id is not UTF-8.")]
    public void Read_BrokenBytes_SaysWhatIsWrong(string hex, string message)
    {
        var bytes = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

        var exception = Assert.Throws<RpcException>(() => SegmentBytes.Read(new ReadOnlySequence<byte>(bytes)));

        Assert.Equal(new Status(StatusCode.InvalidArgument, message), exception.Status);
    }

    [Fact]
    public void Read_DeeplyNestedGroups_IsRefused()
    {
        var bytes = Enumerable.Repeat<byte>(0x0B, 1_000_000).ToArray();

        Assert.Equal(StatusCode.InvalidArgument, Assert.Throws<RpcException>(() => SegmentBytes.Read(new ReadOnlySequence<byte>(bytes))).StatusCode);
    }

    [Fact]
    public void Read_RunBeyondTheLimit_IsRefused()
    {
        var bytes = new V1.Segment { Run = new string('a', SegmentWire.LongestRun + 1) }.ToByteArray();

        Assert.Contains("256 are allowed", Assert.Throws<RpcException>(() => SegmentBytes.Read(new ReadOnlySequence<byte>(bytes))).Status.Detail, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => SegmentBytes.Write(new SegmentHeader { Run = new string('a', SegmentWire.LongestRun + 1) }, []));
    }

    [Fact]
    public void Read_PlaceOfAnotherLength_IsRefusedNamingBoth()
    {
        var bytes = new V1.Segment { Step = 3, Payload = ByteString.CopyFrom(1, 2, 3) }.ToByteArray();

        var exception = Assert.Throws<RpcException>(() => SegmentBytes.Read(new ReadOnlySequence<byte>(bytes), (_, _) => SegmentPlace.Into(new byte[4])));

        Assert.Equal(StatusCode.InvalidArgument, exception.StatusCode);
        Assert.StartsWith("The payload has 3 bytes where 4 belong (step 3,", exception.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_WhenTheSinkRefuses_IsFailedPrecondition()
    {
        var exception = Assert.Throws<RpcException>(() => SegmentBytes.Read(ReadOnlySequence<byte>.Empty, (_, _) => SegmentPlace.Refuse("left that plan")));

        Assert.Equal(new Status(StatusCode.FailedPrecondition, "left that plan"), exception.Status);
    }

    private static V1.Segment RandomSegment(Random random)
    {
        var payload = new byte[random.Next(4) == 0 ? 0 : random.Next(300)];
        random.NextBytes(payload);
        return new V1.Segment
        {
            Run = random.Next(3) switch { 0 => "", 1 => "run-☃", _ => new string('r', random.Next(SegmentWire.LongestRun + 1)) },
            Generation = random.Next(3) == 0 ? null : new Generation { Term = Number(), Number = 1 + Number() / 2 },
            KnownGeneration = random.Next(3) == 0 ? null : new Generation { Term = 1 + Number() / 2, Number = Number() },
            Step = Number(),
            Bucket = (uint)Number(),
            Chunk = (uint)Number(),
            Phase = (Phase)random.Next(3),
            Format = (V1.WireFormat)random.Next(3),
            Offset = Number(),
            FirstSlot = (uint)Number(),
            Slots = (uint)Number(),
            Sender = (uint)Number(),
            Payload = UnsafeByteOperations.UnsafeWrap(payload),
        };

        // As many bits as may be, so that each length of a varint comes up.
        ulong Number() => random.Next(4) == 0 ? 0 : (ulong)random.NextInt64() << 1 >> random.Next(64);
    }

    private static byte[] Change(Random random, byte[] bytes)
    {
        var list = bytes.ToList();
        for (var changes = random.Next(3); changes > 0 && list.Count > 0; changes--)
        {
            var at = random.Next(random.Next(2) == 0 ? Math.Min(list.Count, 40) : list.Count);
            switch (random.Next(5))
            {
                case 0: list.RemoveRange(at, list.Count - at); break;
                case 1: list.RemoveAt(at); break;
                case 2: list.Insert(at, (byte)random.Next(256)); break;
                case 3: list[at] ^= (byte)(1 << random.Next(8)); break;
                default: list[at] = (byte)random.Next(256); break;
            }
        }
        return [.. list];
    }
}
