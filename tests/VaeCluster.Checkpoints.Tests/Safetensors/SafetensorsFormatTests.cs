using System.Buffers.Binary;
using System.Text;

namespace VaeCluster.Checkpoints.Tests.Safetensors;

/// <summary>Known bytes, both ways, and each way to break the format.</summary>
public sealed class SafetensorsFormatTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vaecluster-safetensors-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Write_TwoTensors_GivesTheKnownBytes()
    {
        var stream = new MemoryStream();
        using (var writer = new SafetensorsWriter(stream, [new("b", SafetensorsType.F32, [2]), new("a", SafetensorsType.Bool, [1, 1])],
            new Dictionary<string, string> { ["format"] = "pt" }, leaveOpen: true))
        {
            writer.Write("b", [0, 0, 128, 63]);
            writer.Write("b", [0, 0, 0, 64]);
            writer.Write("a", [1]);
            writer.Complete();
        }

        const string header = """{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"BOOL","shape":[1,1],"data_offsets":[8,9]}}""";
        var padded = header.PadRight((header.Length + 7) / 8 * 8);
        byte[] expected = [.. Length(padded.Length), .. Encoding.UTF8.GetBytes(padded), 0, 0, 128, 63, 0, 0, 0, 64, 1];
        Assert.Equal(expected, stream.ToArray());
    }

    [Fact]
    public void Open_KnownBytes_GivesTensorsInOrderOfData()
    {
        using var file = Open("""{"z":{"data_offsets":[4,6],"shape":[],"dtype":"BF16"},"e":{"dtype":"I64","shape":[3,0],"data_offsets":[4,4]},"größe":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]}}   """, [1, 2, 3, 4, 5, 6]);

        Assert.Equal(["größe", "e", "z"], file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([1, 2, 3, 4], file.Bytes(file.Find("größe")!).ToArray());
        Assert.Equal([5, 6], file.Bytes(file.Find("z")!).ToArray());
        Assert.Equal([6], file.Bytes(file.Find("z")!, 1).ToArray());
        Assert.Equal(0, file.Bytes(file.Find("e")!).Length);
        Assert.Equal(1, file.Find("z")!.Count);
        Assert.Null(file.Find("nothing"));
        Assert.Empty(file.Metadata);
    }

    [Fact]
    public void Open_NoTensors_IsEmpty()
    {
        using var file = Open("""{"__metadata__":{"a":"b"}}""", []);
        Assert.Empty(file.Tensors);
        Assert.Equal("b", file.Metadata["a"]);
    }

    [Theory]
    [InlineData("""{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"u":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}""", 6, "'u': its data overlaps")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"u":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "'u': its data overlaps")]
    [InlineData("""{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 4, "'t': its data ends at 8, beyond the 4 bytes")]
    [InlineData("""{"t":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "'t': a hole of 1 bytes")]
    [InlineData("""{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 2, "1 bytes stand behind the last tensor")]
    [InlineData("""{"t":{"dtype":"U8","shape":[1],"data_offsets":[2,1]}}""", 2, "'t': its data ends before it begins")]
    [InlineData("""{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "'t': its shape takes 8 bytes, its data_offsets 4")]
    [InlineData("""{"t":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,0]}}""", 0, "'t': its shape overflows")]
    [InlineData("""{"t":{"dtype":"U8","shape":[9223372036854775807,9223372036854775807,9223372036854775807],"data_offsets":[0,1]}}""", 1, "'t': its shape overflows")]
    [InlineData("""{"t":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}""", 1, "'t': unknown dtype 'F8_E4M3'")]
    [InlineData("""{"t":{"dtype":7,"shape":[1],"data_offsets":[0,1]}}""", 1, "'t': dtype is not a text")]
    [InlineData("""{"t":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}""", 1, "'t': shape holds something else")]
    [InlineData("""{"t":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}}""", 1, "'t': shape holds something else")]
    [InlineData("""{"t":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,1]}}""", 1, "'t': shape holds something else")]
    [InlineData("""{"t":{"dtype":"U8","shape":{},"data_offsets":[0,1]}}""", 1, "'t': shape is not a list")]
    [InlineData("""{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}""", 1, "'t': data_offsets has more than 2")]
    [InlineData("""{"t":{"dtype":"U8","shape":[1],"data_offsets":[0]}}""", 1, "'t': data_offsets are not two")]
    [InlineData("""{"t":{"dtype":"U8","shape":[1]}}""", 1, "'t': data_offsets are not two")]
    [InlineData("""{"t":{"dtype":"U8","data_offsets":[0,1]}}""", 1, "'t': shape is missing")]
    [InlineData("""{"t":{"shape":[1],"data_offsets":[0,1]}}""", 1, "'t': dtype is missing")]
    [InlineData("""{"t":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}""", 1, "'t': 'dtype' is given twice")]
    [InlineData("""{"t":{"dtype":"U8","strides":[1],"shape":[1],"data_offsets":[0,1]}}""", 1, "'t': 'strides' is unknown")]
    [InlineData("""{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "'t' is given twice")]
    [InlineData("""{"t":[]}""", 0, "'t' is not described by a JSON map")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "metadata 'a' is not a text")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", 0, "metadata 'a' is given twice")]
    [InlineData("""{"__metadata__":{},"__metadata__":{}}""", 0, "'__metadata__' is given twice")]
    [InlineData("""{"t":{"dtype":"U8","shape":[[[[[[[[[[[1]]]]]]]]]]],"data_offsets":[0,1]}}""", 1, "'t': shape holds something else")]
    [InlineData("""{} {}""", 0, "not valid JSON")]
    [InlineData("""{"t":""", 0, "not valid JSON")]
    [InlineData("""{"\ud800":{}}""", 0, "not valid JSON")]
    [InlineData("""[]""", 0, "not a JSON map")]
    [InlineData("", 0, "not a JSON map")]
    [InlineData(" {}", 0, "not a JSON map")]
    public void Open_BreaksTheFormat_IsRefusedByName(string header, int dataLength, string expected)
    {
        var error = Assert.Throws<SafetensorsException>(() => Open(header, new byte[dataLength]));
        Assert.StartsWith(_folder, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[0], "too few")]
    [InlineData(new byte[] { 1, 0, 0 }, "too few")]
    [InlineData(new byte[] { 9, 0, 0, 0, 0, 0, 0, 0, (byte)'{', (byte)'}' }, "ends inside its header")]
    [InlineData(new byte[] { 1, 225, 245, 5, 0, 0, 0, 0 }, "above the limit")]
    [InlineData(new byte[] { 255, 255, 255, 255, 255, 255, 255, 255, 123 }, "above the limit")]
    public void Open_BadLength_IsRefused(byte[] content, string expected)
    {
        var path = Path.Combine(_folder, "short");
        File.WriteAllBytes(path, content);
        Assert.Contains(expected, Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_LongForeignName_IsShortened()
    {
        var error = Assert.Throws<SafetensorsException>(() => Open("{\"" + new string('n', 100_000) + "\\n\":[]}", []));
        Assert.True(error.Message.Length < 500);
    }

    [Fact]
    public void Write_WrongOrderOrSize_IsABug()
    {
        using var writer = new SafetensorsWriter(new MemoryStream(), [new("a", SafetensorsType.U8, [2]), new("none", SafetensorsType.U8, [0]), new("b", SafetensorsType.U8, [1])]);
        Assert.Throws<InvalidOperationException>(() => writer.Write("b", [1]));
        Assert.Throws<InvalidOperationException>(() => writer.Write("a", [1, 2, 3]));
        Assert.Throws<InvalidOperationException>(writer.Complete);
        writer.Write("a", [1, 2]);
        writer.Write("none", []);
        writer.Write("b", [1]);
        Assert.Throws<InvalidOperationException>(() => writer.Write("b", [1]));
        writer.Complete();
        Assert.Throws<ArgumentException>(() => new SafetensorsWriter(new MemoryStream(), [new("a", SafetensorsType.U8, []), new("a", SafetensorsType.U8, [])]));
        Assert.Throws<ArgumentException>(() => new SafetensorsWriter(new MemoryStream(), [new("__metadata__", SafetensorsType.U8, [])]));
    }

    [Fact]
    public void Read_OutsideTheTensor_IsABug()
    {
        using var file = Open("""{"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", [7, 8]);
        var entry = file.Find("t")!;
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(entry, 1, new byte[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Bytes(entry, 3));
        Assert.Throws<ArgumentException>(() => file.Bytes(entry with { End = 1000 }));
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Bytes(entry));
    }

    private SafetensorsFile Open(string header, byte[] data)
    {
        var bytes = Encoding.UTF8.GetBytes(header);
        var path = Path.Combine(_folder, "file.safetensors");
        File.WriteAllBytes(path, [.. Length(bytes.Length), .. bytes, .. data]);
        return SafetensorsFile.Open(path);
    }

    private static byte[] Length(int length)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)length);
        return bytes;
    }
}
