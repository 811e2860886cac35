namespace VaeCluster.Data.Tests;

public sealed class WholeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Target => folder.File("target");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void WriteFile_Failure_LeavesTheOldFileAlone()
    {
        Whole.WriteFile(Target, path => File.WriteAllText(path, "old"));
        Assert.Throws<InvalidOperationException>(() => Whole.WriteFile(Target, path =>
        {
            File.WriteAllText(path, "half");
            throw new InvalidOperationException();
        }));
        Assert.Equal("old", File.ReadAllText(Target));
        AssertNothingElse();
    }

    [Fact]
    public void WriteFile_SomethingThere_IsReplacedOnlyIfAllowed()
    {
        Whole.WriteFile(Target, path => File.WriteAllText(path, "old"));
        Assert.Throws<IOException>(() => Whole.WriteFile(Target, path => File.WriteAllText(path, "new"), overwrite: false));
        Assert.Equal("old", File.ReadAllText(Target));
        Whole.WriteFile(Target, path => File.WriteAllText(path, "new"));
        Assert.Equal("new", File.ReadAllText(Target));
        AssertNothingElse();
    }

    [Fact]
    public void WriteFolder_Twice_TheFirstStays()
    {
        Whole.WriteFolder(Target + "/", path => File.WriteAllText(Path.Combine(path, "file"), "first"));
        Assert.Throws<IOException>(() => Whole.WriteFolder(Target, path => File.WriteAllText(Path.Combine(path, "file"), "second")));
        Assert.Equal("first", File.ReadAllText(Path.Combine(Target, "file")));
        AssertNothingElse();
    }

    [Fact]
    public void WriteFolder_Failure_LeavesNothing()
    {
        Assert.Throws<InvalidOperationException>(() => Whole.WriteFolder(Target, path =>
        {
            File.WriteAllText(Path.Combine(path, "file"), "half");
            throw new InvalidOperationException();
        }));
        Assert.False(Path.Exists(Target));
        Assert.Empty(Directory.GetFileSystemEntries(Path.GetDirectoryName(Target)!));
    }

    private void AssertNothingElse() => Assert.Equal([Target], Directory.GetFileSystemEntries(Path.GetDirectoryName(Target)!));
}
