using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace Helm.Tests;

/// <summary>deploy/compose.yaml, as far as it can be looked at without a container engine.</summary>
public sealed class ComposeTests
{
    private static readonly string Folder = Path.Combine(Tool.Root, "deploy");

    [Fact]
    public void FilesThatAreMounted_AreThere()
    {
        var mounted = 0;
        foreach (var (name, service) in Services())
        {
            foreach (var volume in (service.GetValueOrDefault("volumes") as List<object> ?? []).Cast<string>())
            {
                // ${NAME:-default}:/inside:ro
                var source = volume.StartsWith("${", StringComparison.Ordinal) ? volume[(volume.IndexOf(":-", StringComparison.Ordinal) + 2)..volume.IndexOf('}', StringComparison.Ordinal)] : volume.Split(':')[0];
                if (!source.StartsWith('.')) continue;
                var path = Path.Combine(Folder, source);
                Assert.True(Path.Exists(path), $"{name}: {source} is not there");
                mounted++;
            }
        }
        Assert.True(mounted >= 5, $"{mounted} files are mounted");
    }

    [Fact]
    public void Programs_RunAsTheImagesUserOnAReadOnlyRoot_AndStay()
    {
        var services = Services();
        foreach (var name in new[] { "coordinator", "worker-1", "worker-2" })
        {
            var service = services[name];
            Assert.Equal("10001:10001", service["user"]);
            Assert.Equal("true", service["read_only"]);
            Assert.Contains("--option=stay=true", (List<object>)service["command"]);
            Assert.Equal(name == "coordinator" ? "coordinator" : "worker", ((List<object>)service["command"])[0]);
        }
        Assert.NotEqual(services["worker-1"]["environment"], services["worker-2"]["environment"]);
    }

    [Fact]
    public void Compose_ResolvesTheFile()
    {
        var resolved = Resolve(text => text, token: "a-token-of-enough-letters");
        Assert.True(resolved.ExitCode == 0, resolved.All);
        var services = Read(resolved.Output);
        Assert.Equal(Services().Keys.Order(StringComparer.Ordinal), services.Keys.Order(StringComparer.Ordinal));
        foreach (var name in new[] { "coordinator", "worker-1", "worker-2" })
            Assert.Equal("a-token-of-enough-letters", ((Dictionary<object, object>)services[name]["environment"])["VAECLUSTER_TOKEN"]);

        // So that taking it means something.
        Assert.Contains("make one with openssl", Resolve(text => text, token: null).All, StringComparison.Ordinal);
        Assert.Contains("read_onli", Resolve(text => text.Replace("read_only:", "read_onli:", StringComparison.Ordinal), token: "t").All, StringComparison.Ordinal);
    }

    /// <summary>By Debian's docker-compose, which is version 1 and does not know the one key `name` yet.</summary>
    private static Said Resolve(Func<string, string> changed, string? token)
    {
        var file = Path.GetTempFileName();
        try
        {
            var text = File.ReadAllText(Path.Combine(Folder, "compose.yaml"));
            Assert.Contains("\nname: vaecluster\n", text, StringComparison.Ordinal);
            File.WriteAllText(file, changed(text.Replace("\nname: vaecluster\n", "\n", StringComparison.Ordinal)));
            return Tool.Compose(file, token);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void ImagesOfOthers_HaveATag()
    {
        foreach (var image in Services().Values.Select(service => (string)service["image"]).Where(image => !image.StartsWith("vaecluster:", StringComparison.Ordinal)))
            Assert.Matches(@":v?\d+\.\d+\.\d+$", image);
    }

    private static Dictionary<string, Dictionary<string, object>> Services() => Read(File.ReadAllText(Path.Combine(Folder, "compose.yaml")));

    private static Dictionary<string, Dictionary<string, object>> Read(string text)
    {
        var parser = new MergingParser(new Parser(new StringReader(text)));
        parser.Consume<StreamStart>();
        var compose = new DeserializerBuilder().Build().Deserialize<Dictionary<string, object>>(parser);
        return ((Dictionary<object, object>)compose["services"]).ToDictionary(service => (string)service.Key,
            service => ((Dictionary<object, object>)service.Value).ToDictionary(setting => (string)setting.Key, setting => setting.Value));
    }
}
