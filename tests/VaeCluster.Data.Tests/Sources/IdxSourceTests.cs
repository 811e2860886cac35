using System.Buffers.Binary;
using System.IO.Compression;
using VaeCluster.Data.Pipeline;
using VaeCluster.Data.Splits;
using VaeCluster.Data.Tests.Images;

namespace VaeCluster.Data.Tests.Sources;

public sealed class IdxSourceTests
{
    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Fact]
    public void Open_Mnist_HasItsPixelsExactly()
    {
        using var data = DataSet.Open(new DataOptions { Source = $"idx:{TestData.Mnist}" }, cancellation: Deadline);
        Assert.Equal((60_000, 10_000, 0), (data.Manifest.Count(Split.Train), data.Manifest.Count(Split.Validation), data.Manifest.Count(Split.Test)));
        foreach (var (split, name) in ((Split, string)[])[(Split.Train, "train"), (Split.Validation, "t10k")])
        {
            var raw = Unpack(Path.Combine(TestData.Mnist, $"{name}-images-idx3-ubyte.gz"));
            var count = data.Manifest.Count(split);
            Assert.Equal(16 + 784 * count, raw.Length);
            var samples = new Data.Order.StepSamples(count, 1000, 1, 1, Shuffle: false);
            using var pipeline = new SlotPipeline(data, new PipelineOptions(split, samples, new ImageShape(1, 28, PixelRange.ZeroToOne), false));
            pipeline.Aim(0, 1, 0, samples.StepsPerEpoch);
            for (var step = 0; step < samples.StepsPerEpoch; step++)
            {
                using var batch = pipeline.Take(step, 0, Deadline);
                var expected = raw.AsSpan(16 + 784_000 * step, 784_000);
                for (var i = 0; i < expected.Length; i++)
                    if (batch.Pixels[i] != expected[i] / 255f) Assert.Fail($"{name}: pixel {i} of step {step} is {batch.Pixels[i]}");
            }
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public void Open_OneFile_PlainOrPacked_IsSplitByShare(int dimensions)
    {
        using var folder = new TemporaryFolder();
        var bytes = Idx(dimensions, 10, 4, 6, dimensions == 4 ? 3 : 1);
        File.WriteAllBytes(folder.File("images.idx"), bytes);
        using (var gzip = new GZipStream(File.Create(folder.File("images.idx.gz")), CompressionLevel.Fastest)) gzip.Write(bytes);

        var shape = new ImageShape(dimensions == 4 ? 3 : 1, 6, PixelRange.ZeroToOne);
        DataOptions Options(string name) => new() { Source = $"idx:{folder.File(name)}", Resize = Data.Images.ResizeMode.Stretch };
        using (var data = DataSet.Open(Options("images.idx"), cancellation: Deadline))
            Assert.Equal((8, 2), (data.Manifest.Count(Split.Train), data.Manifest.Count(Split.Validation)));
        Assert.Equal(LoadedImages.Of(Options("images.idx"), shape).Pixels, LoadedImages.Of(Options("images.idx.gz"), shape).Pixels);
    }

    [Fact]
    public void Open_DamagedFiles_AreNamed()
    {
        using var folder = new TemporaryFolder();
        var whole = Idx(3, 10, 4, 6, 1);
        AssertRefused("short", whole[..^1], "where its header asks for");
        AssertRefused("empty", [], "does not begin like an IDX file");
        AssertRefused("labels", [0, 0, 8, 1, 0, 0, 0, 10, .. new byte[10]], "dimensions");
        AssertRefused("floats", [0, 0, 0x0D, 3, .. whole[4..]], "unsigned bytes");
        AssertRefused("gzip", [0x1F, 0x8B, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9], "damaged");
        var sizes = whole.ToArray();
        sizes.AsSpan(4, 12).Fill(0xFF);
        AssertRefused("sizes", sizes, "says that its images are");

        void AssertRefused(string name, byte[] content, string reason)
        {
            File.WriteAllBytes(folder.File(name), content);
            var error = Assert.Throws<UserErrorException>(() => DataSet.Open(new DataOptions { Source = $"idx:{folder.File(name)}" }, cancellation: Deadline).Dispose());
            Assert.Contains(folder.File(name), error.Message, StringComparison.Ordinal);
            Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        }
    }

    private static byte[] Idx(int dimensions, int count, int height, int width, int channels)
    {
        var bytes = new byte[4 + 4 * dimensions + count * height * width * channels];
        new Random(1).NextBytes(bytes);
        (bytes[0], bytes[1], bytes[2], bytes[3]) = (0, 0, 8, (byte)dimensions);
        foreach (var (i, size) in ((int[])[count, height, width, channels]).Take(dimensions).Index())
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4 + 4 * i), size);
        return bytes;
    }

    private static byte[] Unpack(string path)
    {
        using var content = new MemoryStream();
        using var gzip = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        gzip.CopyTo(content);
        return content.ToArray();
    }
}
