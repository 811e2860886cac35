using System.Text;
using Grpc.Core;

namespace Grpc.Tests;

public sealed class MetadataTests
{
    [Fact]
    public void Add_KeyInUpperCase_IsFoundInLowerCase()
    {
        Metadata metadata = new() { { "X-Run", "a" }, { "x-run", "b" }, { "x-blob-bin", [1, 2] } };

        Assert.Equal("b", metadata.GetValue("x-run"));
        Assert.Equal(["a", "b"], metadata.GetAll("x-run").Select(entry => entry.Value));
        Assert.Equal([1, 2], metadata.GetValueBytes("x-blob-bin")!);
        Assert.Null(metadata.Get("absent"));
        Assert.Equal(3, metadata.Count);
    }

    [Fact]
    public void Entry_ValueOfTheOtherKind_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("x-blob-bin", "text"));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("x-text", [1]));
        Assert.Throws<InvalidOperationException>(() => new Metadata.Entry("x-blob-bin", [1]).Value);
        Assert.Equal(Encoding.ASCII.GetBytes("text"), new Metadata.Entry("x-text", "text").ValueBytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a:b")]
    [InlineData("ä")]
    public void Entry_KeyThatCannotBeAHeader_IsRefused(string key) => Assert.Throws<ArgumentException>(() => new Metadata.Entry(key, "v"));

    [Fact]
    public void Entry_BytesChangedAfterwards_KeepsItsOwn()
    {
        byte[] bytes = [1, 2];
        var entry = new Metadata.Entry("x-bin", bytes);

        bytes[0] = 9;
        entry.ValueBytes[1] = 9;

        Assert.Equal([1, 2], entry.ValueBytes);
    }

    [Fact]
    public void Empty_WhenChanged_Refuses()
    {
        Assert.True(Metadata.Empty.IsReadOnly);
        Assert.Throws<InvalidOperationException>(() => Metadata.Empty.Add("a", "b"));
        Assert.Throws<InvalidOperationException>(Metadata.Empty.Clear);
    }
}
