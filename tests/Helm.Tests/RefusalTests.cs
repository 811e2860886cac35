using System.Text.RegularExpressions;

namespace Helm.Tests;

/// <summary>Values that would not do are refused before anything is installed, with the key and the rule.</summary>
public sealed partial class RefusalTests
{
    [Theory]
    [InlineData("worker.replica=3", "- worker: ", "replica")]
    [InlineData("worker.replicas=-1", "- worker.replicas: ")]
    [InlineData("worker.replicas=two", "- worker.replicas: ")]
    [InlineData("model.preset=mnist", "- (root): ", "model")] // it belongs under config
    [InlineData("config.train.bach=64", "- config.train: ", "bach")]
    [InlineData("config.train.slots=0", "- config.train.slots: ")]
    [InlineData("config.train.slots=8,config.train.batch=4", "config.train.batch is 4", "each slot needs a sample")]
    [InlineData("config.train.steps=5,config.train.epochs=5", "- config.train: ", "not")]
    [InlineData("config.model.preset=huge", "- config.model.preset: ", "mnist")]
    [InlineData("config.optimizer.lr=0", "- config.optimizer.lr: ")]
    [InlineData("config.optimizer.name=lion", "- config.optimizer.name: ", "adam")]
    [InlineData("storage.type=nfs", "- storage.type: ", "existingClaim")]
    [InlineData("storage.type=existingClaim", "- storage.existingClaim: ")]
    [InlineData("storage.type=s3", "- storage.s3.uri: ")]
    [InlineData("storage.type=s3,storage.s3.uri=http://bucket", "- storage.s3.uri: ")]
    [InlineData("images.type=claim", "- images.existingClaim: ")]
    [InlineData("images.type=hostPath", "- images.hostPath: ")]
    [InlineData("images.type=hostPath,images.hostPath=relative", "- images.hostPath: ")]
    [InlineData("images.type=s3", "- images.s3.uri: ")]
    [InlineData("tls.enabled=true", "- tls.existingSecret: ")]
    [InlineData("token.value=short", "- token.value: ")]
    [InlineData("token.existingSecret=mine,token.value=0123456789abcdef", "- token.value: ")]
    [InlineData("coordinator.minMembers=5,worker.replicas=2", "coordinator.minMembers is 5", "wait forever")]
    [InlineData("autoscaling.enabled=true,autoscaling.minReplicas=9,autoscaling.maxReplicas=3", "autoscaling.minReplicas is 9")]
    [InlineData("autoscaling.enabled=true,coordinator.minMembers=9", "coordinator.minMembers is 9")]
    [InlineData("ports.worker=80", "- ports.worker: ")]
    [InlineData("ports.worker=9464", "ports.worker and ports.metrics are both 9464")]
    [InlineData("ports.metrics=5000", "ports.coordinator and ports.metrics are both 5000")]
    [InlineData("config.checkpoints.storage=s3://bucket/runs", "config.checkpoints.storage", "storage.type")]
    [InlineData("storage.type=s3,storage.s3.uri=s3://bucket/runs,config.checkpoints.s3.region=eu", "config.checkpoints.s3", "storage.s3")]
    [InlineData("nameOverride=my.run", "- nameOverride: ")]
    [InlineData("fullnameOverride=my.run", "- fullnameOverride: ")]
    [InlineData("fullnameOverride=1run", "begin with 1run", "set fullnameOverride")]
    [InlineData("worker.shm=plenty", "- worker.shm: ")]
    [InlineData("worker.spread=some", "- worker.spread: ")]
    [InlineData("image.digest=sha256:12", "- image.digest: ")]
    [InlineData("coordinator.options.Lease=2s", "Lease")] // helm 4 does not say where
    public void Value_ThatWouldNotDo_IsNamed(string set, params string[] words)
    {
        foreach (var helm in new[] { "helm3", "helm4" })
        {
            Rendered.Of(helm); // so that it is the value that is refused
            var said = Tool.Helm(helm, "template", "r", Tool.Chart, "--set", set);
            Assert.True(said.ExitCode != 0, $"{helm} took {set}");
            var reason = Reason(said);
            foreach (var word in words) Assert.Contains(word, reason, StringComparison.Ordinal);
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

    /// <summary>What was said without the heading, which has words of keys in it; helm 4's '/config/train' is helm 3's config.train.</summary>
    private static string Reason(Said said)
    {
        const string heading = "chart(s):\nvae-train:\n";
        var start = said.Errors.IndexOf(heading, StringComparison.Ordinal);
        var reason = start < 0 ? said.Errors : said.Errors[(start + heading.Length)..];
        return Pointer().Replace(reason, at => at.Groups[1].Length == 0 ? "- (root): " : $"- {at.Groups[1].Value[1..].Replace('/', '.')}: ");
    }

    [GeneratedRegex("- at '([^']*)': ")]
    private static partial Regex Pointer();
}
