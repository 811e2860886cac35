using VaeCluster.Data.Manifests;
using VaeCluster.Data.Splits;
using VaeCluster.Data.Tests.Sources;

namespace VaeCluster.Data.Tests.Manifests;

public sealed class ManifestTests
{
    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Fact]
    public void SaveAndLoad_AnyKind_IsTheSame()
    {
        using var folder = new TemporaryFolder();
        TarFiles.Write(folder.File("tar/a.tar"), Enumerable.Range(0, 40));
        TarFiles.Write(folder.File("tar/empty.tar"), []);
        TarFiles.Write(folder.File("tar/z.tar"), Enumerable.Range(40, 3));
        Files(folder, 100);
        foreach (var source in (string[])[$"tar:{folder.File("tar")}", $"folder:{folder.File("files")}"])
        {
            var options = new DataOptions { Source = source };
            using var data = DataSet.Open(options, cancellation: Deadline);
            data.Manifest.Save(folder.File("saved/manifest"));
            using var loaded = DataSet.Open(options, Manifest.Load(folder.File("saved/manifest")), cancellation: Deadline);
            Assert.Equal(data.Manifest.Id, loaded.Manifest.Id);
            Assert.Equal(data.Manifest.Count(), loaded.Manifest.Count());
            for (var i = 0; i < data.Manifest.Count(); i++) Assert.Equal(data.Manifest[i], loaded.Manifest[i]);
            foreach (var split in Enum.GetValues<Split>())
                for (var i = 0; i < data.Manifest.Count(split); i++) Assert.Equal(data.Manifest.SampleOf(split, i), loaded.Manifest.SampleOf(split, i));
            Assert.Single(Directory.GetFiles(folder.File("saved")));
        }
    }

    [Fact]
    public void Id_FollowsNamesSizesAndSplit_NotThePlace()
    {
        using var folder = new TemporaryFolder();
        Files(folder, 20);
        var id = IdOf(folder.File("files"));
        Assert.Equal(id, IdOf(folder.File("files")));
        Assert.NotEqual(id, IdOf(folder.File("files"), share: 0.7));
        Assert.NotEqual(id, IdOf(folder.File("files"), seed: 1));
        Directory.Move(folder.File("files"), folder.File("elsewhere"));
        Assert.Equal(id, IdOf(folder.File("elsewhere")));
        File.AppendAllText(folder.File("elsewhere/007.png"), "x");
        var grown = IdOf(folder.File("elsewhere"));
        Assert.NotEqual(id, grown);
        File.Move(folder.File("elsewhere/007.png"), folder.File("elsewhere/seven.png"));
        Assert.NotEqual(grown, IdOf(folder.File("elsewhere")));
    }

    [Fact]
    public void SampleOf_SplitByShare_CutsExactlyAndWithoutOverlap()
    {
        using var folder = new TemporaryFolder();
        Files(folder, 101);
        using var data = DataSet.Open(new DataOptions { Source = $"folder:{folder.File("files")}" }, cancellation: Deadline);
        Assert.Equal((80, 21, 0), (data.Manifest.Count(Split.Train), data.Manifest.Count(Split.Validation), data.Manifest.Count(Split.Test)));
        var train = Enumerable.Range(0, 80).Select(i => data.Manifest.SampleOf(Split.Train, i));
        var validation = Enumerable.Range(0, 21).Select(i => data.Manifest.SampleOf(Split.Validation, i));
        Assert.Equal(Enumerable.Range(0, 101).Select(i => (long)i), train.Concat(validation).Order());
        // The names in order would give the last ones to validation.
        Assert.NotEqual(Enumerable.Range(80, 21).Select(i => (long)i), validation.Order());
    }

    [Fact]
    public void Load_DamagedFile_IsRefused()
    {
        using var folder = new TemporaryFolder();
        Files(folder, 20);
        using (var data = DataSet.Open(new DataOptions { Source = $"folder:{folder.File("files")}" }, cancellation: Deadline)) data.Manifest.Save(folder.File("manifest"));
        var whole = File.ReadAllBytes(folder.File("manifest"));
        AssertRefused(whole[..^1]);
        AssertRefused(whole[..20]);
        AssertRefused([.. whole[..^3], (byte)(whole[^3] ^ 4), .. whole[^2..]]);
        AssertRefused([(byte)'X', .. whole[1..]]);

        void AssertRefused(byte[] bytes)
        {
            File.WriteAllBytes(folder.File("damaged"), bytes);
            Assert.Contains(folder.File("damaged"), Assert.Throws<UserErrorException>(() => Manifest.Load(folder.File("damaged")).Dispose()).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Indexer_ManyFiles_KeepsEveryName()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("files"));
        var random = new Random(3);
        var names = Enumerable.Range(0, 500).Select(i => $"{new string((char)('a' + random.Next(3)), random.Next(1, 120))}{i % 7}é{i}.jpg").ToList();
        foreach (var (i, name) in names.Index()) File.WriteAllBytes(folder.File($"files/{name}"), new byte[random.Next(i + 1) * 50]);
        using var data = DataSet.Open(new DataOptions { Source = $"folder:{folder.File("files")}" }, cancellation: Deadline);
        names.Sort(string.CompareOrdinal);
        for (var i = 0; i < names.Count; i++)
            Assert.Equal((names[i], new FileInfo(folder.File($"files/{names[i]}")).Length), (data.Manifest[i].Path, data.Manifest[i].Size));
    }

    private static string IdOf(string folder, double share = 0.8, ulong seed = 42)
    {
        var options = new DataOptions { Source = $"folder:{folder}", Split = new SplitOptions { Share = share, Seed = seed } };
        using var data = DataSet.Open(options, cancellation: Deadline);
        return data.Manifest.Id;
    }

    private static void Files(TemporaryFolder folder, int count)
    {
        Directory.CreateDirectory(folder.File("files"));
        for (var i = 0; i < count; i++) File.WriteAllBytes(folder.File($"files/{i:D3}.png"), new byte[10 + i]);
    }
}
