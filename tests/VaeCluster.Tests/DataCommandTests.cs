using System.Text.Json;

namespace VaeCluster.Tests;

public sealed class DataCommandTests : IDisposable
{
    private readonly RunSandbox _sandbox = new();

    private string Shapes => $"shapes:{_sandbox.In("shapes")}?count=50&size=16";

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Describe_Shapes_CountsThemAndDrawsASheet()
    {
        var sheet = _sandbox.In("sheet.png");
        var text = ProgramRun.Of("data", "describe", Shapes, "--sheet", sheet).AssertSuccess().Output;
        foreach (var expected in new[] { "train          40", "validation     10", "50 Png", "width          16", "mean 0." }) Assert.Contains(expected, text, StringComparison.Ordinal);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(sheet)[..4]);

        var json = ProgramRun.Of("data", "describe", Shapes, "--sheet", sheet, "--json", "--limit", "20", "--channels", "1", "--share", "0.5").AssertSuccess().Output;
        using var description = JsonDocument.Parse(json);
        Assert.Equal((25, 20, 1), (Number("train"), Number("measured"), description.RootElement.GetProperty("mean").GetArrayLength()));
        int Number(string name) => description.RootElement.GetProperty(name).GetInt32();
    }

    [Fact]
    public void Describe_FolderWithBrokenFiles_NamesThem()
    {
        Directory.CreateDirectory(_sandbox.In("photos"));
        foreach (var (name, content) in new[] { ("a.png", "text"), ("line\nbreak.png", ""), ("notes.txt", "text") }) File.WriteAllText(_sandbox.In($"photos/{name}"), content);
        var text = ProgramRun.Of("data", "describe", $"folder:{_sandbox.In("photos")}", "--sheet", _sandbox.In("sheet.png")).AssertSuccess().Output;
        Assert.Contains("broken         2", text, StringComparison.Ordinal);
        Assert.Contains("a.png: no JPEG, PNG", text, StringComparison.Ordinal);
        Assert.Contains("line\\x0Abreak.png: the file is empty", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Pack_Twice_KeepsWhatIsThere()
    {
        Assert.Contains("50 images in 2 shards,", Pack().AssertSuccess().Output, StringComparison.Ordinal);
        Assert.Contains("50 images in 2 shards, 2 of them from before", Pack().AssertSuccess().Output, StringComparison.Ordinal);
        Assert.Contains("train          40", ProgramRun.Of("data", "describe", $"tar:{_sandbox.In("shards")}", "--sheet", _sandbox.In("sheet.png")).AssertSuccess().Output, StringComparison.Ordinal);

        ProgramRun Pack() => ProgramRun.Of("data", "pack", Shapes, _sandbox.In("shards"));
    }

    [Theory]
    [InlineData("describe floder:x", "folder:PATH")]
    [InlineData("describe folder:/no/such/place", "/no/such/place")]
    [InlineData("describe shapes: --size 1", "--size 1")]
    [InlineData("describe shapes: --channels 2", "2")]
    [InlineData("describe shapes: --share 0", "--share 0")]
    [InlineData("describe shapes: --limit 0", "--limit 0")]
    [InlineData("pack shapes: /tmp/x --shard-megabytes 0", "--shard-megabytes 0")]
    [InlineData("pack shapes:", "pack")]
    [InlineData("", "command")]
    public void Data_WrongUse_ExitsWithTwo(string line, string named) =>
        ProgramRun.Of(["data", .. line.Split(' ', StringSplitOptions.RemoveEmptyEntries)]).AssertUserError(named);
}
