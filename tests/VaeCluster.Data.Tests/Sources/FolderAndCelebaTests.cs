using VaeCluster.Data.Splits;

namespace VaeCluster.Data.Tests.Sources;

public sealed class FolderAndCelebaTests
{
    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Fact]
    public void Open_FoldersNamedTrainAndVal_MakeTheSplit()
    {
        using var folder = new TemporaryFolder();
        foreach (var path in (string[])["train/a/1.png", "train/b/2.png", "valid/3.png", "test/4.png", "extra/5.png"]) Write(folder, path);
        using var data = Open($"folder:{folder.Path}");
        Assert.Equal(["train/a/1.png", "train/b/2.png", "valid/3.png", "test/4.png"], Paths(data));
        Assert.Equal((2, 1, 1), (data.Manifest.Count(Split.Train), data.Manifest.Count(Split.Validation), data.Manifest.Count(Split.Test)));

        // Asked for a share, the folders are names like any other.
        using var shared = Open($"folder:{folder.Path}", SplitMode.Share);
        Assert.Equal((4, 1), (shared.Manifest.Count(Split.Train), shared.Manifest.Count(Split.Validation)));
    }

    [Fact]
    public void Open_TrainAndTestAlone_ValidatesOnTest()
    {
        using var folder = new TemporaryFolder();
        foreach (var path in (string[])["train/1.png", "test/2.png", "test/3.png"]) Write(folder, path);
        using var data = Open($"folder:{folder.Path}");
        Assert.Equal((1, 2, 0), (data.Manifest.Count(Split.Train), data.Manifest.Count(Split.Validation), data.Manifest.Count(Split.Test)));
    }

    [Fact]
    public void Open_SourceSplitWhereThereIsNone_SaysWhatToDo()
    {
        using var folder = new TemporaryFolder();
        Write(folder, "1.png");
        Assert.Contains("data.split.by", Assert.Throws<UserErrorException>(() => Open($"folder:{folder.Path}", SplitMode.Source).Dispose()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("list_eval_partition.csv", "image_id,partition\n", ",", "img_align_celeba/img_align_celeba")]
    [InlineData("list_eval_partition.txt", "", " ", "img_align_celeba")]
    [InlineData("Eval/list_eval_partition.txt", "", " ", "Img/img_align_celeba")]
    public void Open_CelebaLayouts_TakeTheirPartition(string file, string header, string separator, string images)
    {
        using var folder = new TemporaryFolder();
        for (var i = 1; i <= 7; i++) Write(folder, $"{images}/{i:D6}.jpg");
        Directory.CreateDirectory(Path.GetDirectoryName(folder.File(file))!);
        File.WriteAllText(folder.File(file), header + string.Join('\n', Enumerable.Range(1, 6).Select(i => $"{i:D6}.jpg{separator}{(i < 4 ? 0 : i - 3 > 2 ? 2 : i - 3)}")));
        using var data = Open($"celeba:{folder.Path}");
        Assert.Equal((3, 1, 2), (data.Manifest.Count(Split.Train), data.Manifest.Count(Split.Validation), data.Manifest.Count(Split.Test)));
        Assert.Equal($"{images}/000004.jpg", data.Manifest[data.Manifest.SampleOf(Split.Validation, 0)].Path);
        Assert.Equal(["000007.jpg"], data.Listing!.Problems.Select(problem => problem.Name));
    }

    [Fact]
    public void Open_CelebaWithMissingImagesOrADamagedList_NamesThem()
    {
        using var folder = new TemporaryFolder();
        Write(folder, "img_align_celeba/000001.jpg");
        File.WriteAllText(folder.File("list_eval_partition.csv"), "image_id,partition\n000001.jpg,0\n000002.jpg,1\n");
        Assert.Contains("000002.jpg", Assert.Throws<UserErrorException>(() => Open($"celeba:{folder.Path}").Dispose()).Message, StringComparison.Ordinal);
        File.WriteAllText(folder.File("list_eval_partition.csv"), "image_id,partition\n000001.jpg,0\n000002.jpg,9\n");
        Assert.Contains("line 3", Assert.Throws<UserErrorException>(() => Open($"celeba:{folder.Path}").Dispose()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pictures")]
    [InlineData("folder:")]
    [InlineData("1:x")]
    [InlineData("shapes:?colours=3")]
    [InlineData("shapes:?count=0")]
    [InlineData("folder:/there/is/no/such/folder")]
    [InlineData("idx:/there/is/no/such/folder")]
    [InlineData("tar:/there/is/no/such/folder")]
    [InlineData("celeba:/there/is/no/such/folder")]
    public void Open_WrongSource_SaysWhatIsWrong(string source)
    {
        var error = Assert.Throws<UserErrorException>(() => Open(source).Dispose());
        Assert.Contains("data.source", error.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", error.Message, StringComparison.Ordinal);
    }

    private static DataSet Open(string source, SplitMode by = SplitMode.Auto) =>
        DataSet.Open(new DataOptions { Source = source, Split = new SplitOptions { By = by } }, cancellation: Deadline);

    private static IEnumerable<string> Paths(DataSet data) => Enumerable.Range(0, (int)data.Manifest.Count()).Select(i => data.Manifest[i].Path);

    private static void Write(TemporaryFolder folder, string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder.File(path))!);
        File.WriteAllBytes(folder.File(path), TarFiles.Flat(1));
    }
}
