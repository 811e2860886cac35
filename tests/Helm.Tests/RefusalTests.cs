namespace Helm.Tests;

/// <summary>Values that would not do are refused before anything is installed, with the key and the rule.</summary>
public sealed class RefusalTests
{
    [Theory]
    [InlineData("worker.replica=3", "replica")]
    [InlineData("worker.replicas=-1", "worker", "replicas")]
    [InlineData("worker.replicas=two", "worker", "replicas")]
    [InlineData("config.train.bach=64", "bach")]
    [InlineData("config.train.slots=0", "slots")]
    [InlineData("config.train.slots=8,config.train.batch=4", "config.train.batch is 4", "each slot needs a sample")]
    [InlineData("config.train.steps=5,config.train.epochs=5", "train")]
    [InlineData("config.model.preset=huge", "preset")]
    [InlineData("config.optimizer.lr=0", "lr")]
    [InlineData("config.optimizer.name=lion", "name")]
    [InlineData("storage.type=nfs", "type")]
    [InlineData("storage.type=existingClaim", "existingClaim")]
    [InlineData("storage.type=s3", "uri")]
    [InlineData("storage.type=s3,storage.s3.uri=http://bucket", "uri")]
    [InlineData("images.type=claim", "existingClaim")]
    [InlineData("images.type=hostPath", "hostPath")]
    [InlineData("images.type=hostPath,images.hostPath=relative", "hostPath")]
    [InlineData("images.type=s3", "uri")]
    [InlineData("tls.enabled=true", "existingSecret")]
    [InlineData("token.value=short", "value")]
    [InlineData("token.existingSecret=mine,token.value=0123456789abcdef", "value")]
    [InlineData("coordinator.minMembers=5,worker.replicas=2", "coordinator.minMembers is 5", "wait forever")]
    [InlineData("autoscaling.enabled=true,autoscaling.minReplicas=9,autoscaling.maxReplicas=3", "autoscaling.minReplicas is 9")]
    [InlineData("autoscaling.enabled=true,coordinator.minMembers=9", "coordinator.minMembers is 9")]
    [InlineData("ports.worker=80", "worker")]
    [InlineData("worker.shm=plenty", "shm")]
    [InlineData("worker.spread=some", "spread")]
    [InlineData("image.digest=sha256:12", "digest")]
    [InlineData("coordinator.options.Lease=2s", "Lease")]
    public void Value_ThatWouldNotDo_IsNamed(string set, params string[] words)
    {
        foreach (var helm in new[] { "helm3", "helm4" })
        {
            var said = Tool.Helm(helm, "template", "r", Tool.Chart, "--set", set);
            Assert.True(said.ExitCode != 0, $"{helm} took {set}");
            foreach (var word in words) Assert.Contains(word, said.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Subchart_WithGlobalsAndItsSwitch_IsTaken()
    {
        var folder = Directory.CreateTempSubdirectory("vc-chart-");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "Chart.yaml"), """
                apiVersion: v2
                name: parent
                version: 0.1.0
                dependencies: [{name: vae-train, version: ">=0", condition: vae-train.enabled}]
                """);
            File.WriteAllText(Path.Combine(folder.FullName, "values.yaml"), """
                global: {imageRegistry: registry.example.org}
                vae-train: {enabled: true, worker: {replicas: 3}}
                """);
            var charts = Directory.CreateDirectory(Path.Combine(folder.FullName, "charts")).FullName;
            File.CreateSymbolicLink(Path.Combine(charts, "vae-train"), Tool.Chart);
            foreach (var helm in new[] { "helm3", "helm4" })
            {
                var on = Tool.Helm(helm, "template", "r", folder.FullName);
                Assert.True(on.ExitCode == 0, on.All);
                Assert.Contains("replicas: 3", on.Output, StringComparison.Ordinal);
                var off = Tool.Helm(helm, "template", "r", folder.FullName, "--set", "vae-train.enabled=false");
                Assert.True(off.ExitCode == 0, off.All);
                Assert.DoesNotContain("kind:", off.Output, StringComparison.Ordinal);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
