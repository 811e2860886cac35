using System.Text;

namespace VaeCluster.Checkpoints.Tests.Safetensors;

/// <summary>Damaged files, a fixed number from a fixed seed: refused, or read within their bounds, and never a crash.</summary>
public sealed class SafetensorsFuzzTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vaecluster-fuzz-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Open_RandomDamage_IsRefusedOrInBounds()
    {
        var good = Good();
        var random = new Random(20261120);
        var (refused, taken) = (0, 0);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 4000; i++)
        {
            var path = Path.Combine(_folder, "damaged");
            File.WriteAllBytes(path, Damage(good, random));
            try
            {
                using var file = SafetensorsFile.Open(path);
                foreach (var tensor in file.Tensors) Assert.Equal(tensor.Length, Touch(file, tensor));
                taken++;
            }
            catch (SafetensorsException)
            {
                refused++;
            }
        }
        Assert.True(refused > 1000, $"{refused} refused");
        Assert.True(taken > 100, $"{taken} taken");
        Assert.True((GC.GetAllocatedBytesForCurrentThread() - before) / 4000 < 200_000, "memory out of proportion to the file");
    }

    [Fact]
    public void Open_EveryTruncation_IsRefused()
    {
        var good = Good();
        var path = Path.Combine(_folder, "cut");
        for (var length = 0; length < good.Length; length++)
        {
            File.WriteAllBytes(path, good.AsSpan(0, length));
            Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path));
        }
    }

    private static long Touch(SafetensorsFile file, SafetensorsEntry tensor)
    {
        var bytes = file.Bytes(tensor);
        var sum = 0;
        foreach (var b in bytes) sum += b;
        return sum >= 0 ? bytes.Length : -1;
    }

    private static byte[] Damage(byte[] good, Random random)
    {
        var bytes = good.ToList();
        for (var edits = random.Next(1, 4); edits > 0; edits--)
        {
            var at = random.Next(3) == 0 ? random.Next(12) : random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: bytes.Insert(at, "{}[]\",:0123456789-. \\u"u8[random.Next(22)]); break;
                case 3: bytes.RemoveRange(at, Math.Min(random.Next(1, 20), bytes.Count - at)); break;
                default: bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 60), bytes.Count - at))); break;
            }
            if (bytes.Count < 13) break;
        }
        return [.. bytes];
    }

    private static byte[] Good()
    {
        var stream = new MemoryStream();
        using var writer = new SafetensorsWriter(stream, [new("conv.weight", SafetensorsType.F32, [4, 3]), new("conv.bias", SafetensorsType.F32, [4]), new("steps", SafetensorsType.I64, [])],
            new Dictionary<string, string> { ["format"] = "pt" });
        writer.Write("conv.weight", Encoding.ASCII.GetBytes(new string('w', 48)));
        writer.Write("conv.bias", Encoding.ASCII.GetBytes(new string('b', 16)));
        writer.Write("steps", new byte[8]);
        writer.Complete();
        return stream.ToArray();
    }
}
