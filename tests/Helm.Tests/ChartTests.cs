using YamlDotNet.RepresentationModel;

namespace Helm.Tests;

/// <summary>What the chart makes of values, by helm 3 and helm 4.</summary>
public sealed class ChartTests
{
    public static TheoryData<string, string> Sets
    {
        get
        {
            var sets = new TheoryData<string, string>();
            foreach (var file in Directory.GetFiles(Path.Combine(Tool.Chart, "ci"), "*-values.yaml").Order(StringComparer.Ordinal))
            {
                foreach (var helm in new[] { "helm3", "helm4" }) sets.Add(helm, Path.GetFileName(file));
            }
            return sets;
        }
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void Set_IsWithoutComplaint(string helm, string file)
    {
        var said = Tool.Helm(helm, "lint", "--strict", Tool.Chart, "-f", Path.Combine(Tool.Chart, "ci", file));
        Assert.True(said.ExitCode == 0, said.All);
    }

    [Theory]
    [MemberData(nameof(Sets))]
    public void Set_GivesPodsThatRestrictedNamespacesTake(string helm, string file)
    {
        var rendered = Rendered.Of(helm, "-f", Path.Combine(Tool.Chart, "ci", file));
        foreach (var role in new[] { "coordinator", "worker" })
        {
            var pod = Rendered.Get(rendered["StatefulSet", $"r-vae-train-{role}"], "spec.template.spec");
            Assert.Equal("true", Rendered.Text(pod, "securityContext.runAsNonRoot"));
            Assert.Equal("RuntimeDefault", Rendered.Text(pod, "securityContext.seccompProfile.type"));
            Assert.Equal("false", Rendered.Text(pod, "automountServiceAccountToken"));
            var container = rendered.Container(role);
            Assert.Equal("false", Rendered.Text(container, "securityContext.allowPrivilegeEscalation"));
            Assert.Equal("true", Rendered.Text(container, "securityContext.readOnlyRootFilesystem"));
            Assert.Equal("ALL", Rendered.Text(container, "securityContext.capabilities.drop.0"));
        }
        // helm 4 applies on the server, which wants ports whole.
        foreach (var service in rendered.All("Service"))
            Assert.All((YamlSequenceNode)Rendered.Get(service, "spec.ports"), port => Assert.Equal("TCP", Rendered.Text(port, "protocol")));
    }

    [Theory]
    [InlineData("helm3")]
    [InlineData("helm4")]
    public void Defaults_AreACoordinatorAndTwoWorkersOnANewClaim(string helm)
    {
        var rendered = Rendered.Of(helm);
        Assert.Equal("2", Rendered.Text(rendered["StatefulSet", "r-vae-train-worker"], "spec.replicas"));
        Assert.Equal("Parallel", Rendered.Text(rendered["StatefulSet", "r-vae-train-worker"], "spec.podManagementPolicy"));
        Assert.Equal("keep", Rendered.Text(rendered["PersistentVolumeClaim", "r-vae-train-runs"], "metadata.annotations.helm~sh/resource-policy"));
        Assert.Contains("--run=/runs/r", rendered.Arguments("coordinator"));
        Assert.Contains("--option=stay=true", rendered.Arguments("coordinator"));
        // The claim outlives the release; another run has another journal.
        Assert.Contains("--option=journal_folder=/var/lib/vaecluster/journal/r", rendered.Arguments("coordinator"));
        Assert.Contains("--option=stay=true", rendered.Arguments("worker"));
        Assert.Contains("--id=$(POD_NAME)", rendered.Arguments("worker"));
        Assert.Contains("--coordinator=http://r-vae-train-coordinator.ml.svc.cluster.local:5000", rendered.Arguments("worker"));
        Assert.Contains("preset: tiny", Rendered.Text(rendered["ConfigMap", "r-vae-train-config"], "data.run~yaml"), StringComparison.Ordinal);
        foreach (var role in new[] { "coordinator", "worker" })
        {
            var volumes = (YamlSequenceNode)Rendered.Get(rendered["StatefulSet", $"r-vae-train-{role}"], "spec.template.spec.volumes");
            Assert.All(volumes.Where(volume => Rendered.Has(volume, "emptyDir")), volume => Assert.True(Rendered.Has(volume, "emptyDir.sizeLimit"), $"{role}: {volume}"));
        }
        Assert.DoesNotContain("PodMonitor", rendered.Kinds);
        Assert.DoesNotContain("HorizontalPodAutoscaler", rendered.Kinds);
        Assert.Equal(2, rendered.All("PodDisruptionBudget").Count());
        Assert.Equal(2, rendered.All("NetworkPolicy").Count());
    }

    [Fact]
    public void Configuration_IsTakenAsItIs_WithoutTheDefaults()
    {
        var rendered = Rendered.Of("helm4", "--set", "config.model.preset=mnist,config.train.steps=20000000", "--set-json", "config.optimizer.lr=1e-4");
        var config = Rendered.Text(rendered["ConfigMap", "r-vae-train-config"], "data.run~yaml");
        Assert.Contains("preset: mnist", config, StringComparison.Ordinal);
        Assert.Contains("steps: 20000000", config, StringComparison.Ordinal);
        Assert.Contains("lr: 0.0001", config, StringComparison.Ordinal);
        Assert.DoesNotContain("widths", config, StringComparison.Ordinal);
        Assert.DoesNotContain("epochs", config, StringComparison.Ordinal);
    }

    [Fact]
    public void AnotherConfiguration_GivesBothRolesNewPods()
    {
        var (one, other) = (Rendered.Of("helm4", "--set", "config.train.steps=10"), Rendered.Of("helm4", "--set", "config.train.steps=20"));
        foreach (var role in new[] { "coordinator", "worker" })
            Assert.NotEqual(Checksum(one, role), Checksum(other, role));
        Assert.Equal(Checksum(one, "worker"), Checksum(Rendered.Of("helm4", "--set", "config.train.steps=10,worker.replicas=5"), "worker"));

        static string Checksum(Rendered rendered, string role) =>
            Rendered.Text(rendered["StatefulSet", $"r-vae-train-{role}"], "spec.template.metadata.annotations.checksum/config");
    }

    [Fact]
    public void Autoscaling_LeavesReplicasOut()
    {
        var rendered = Rendered.Of("helm4", "--set", "autoscaling.enabled=true");
        Assert.False(Rendered.Has(rendered["StatefulSet", "r-vae-train-worker"], "spec.replicas"));
        Assert.Equal("r-vae-train-worker", Rendered.Text(rendered["HorizontalPodAutoscaler", "r-vae-train-worker"], "spec.scaleTargetRef.name"));
        Assert.Equal("autoscaling/v2", Rendered.Text(rendered["HorizontalPodAutoscaler", "r-vae-train-worker"], "apiVersion"));
    }

    [Fact]
    public void S3_NeedsNoSharedClaim()
    {
        var rendered = Rendered.Of("helm4", "-f", Path.Combine(Tool.Chart, "ci/s3-values.yaml"));
        Assert.DoesNotContain("PersistentVolumeClaim", rendered.Kinds);
        Assert.Contains("--run=/var/lib/vaecluster/runs/r", rendered.Arguments("coordinator"));
        var config = Rendered.Text(rendered["ConfigMap", "r-vae-train-config"], "data.run~yaml");
        Assert.Contains("storage: s3://checkpoints/vae/r", config, StringComparison.Ordinal);
        Assert.Contains("path_style: true", config, StringComparison.Ordinal);
        Assert.Contains("keep_last: 2", config, StringComparison.Ordinal);
        Assert.Equal("minio", Rendered.Text(rendered.Container("worker"), "envFrom.0.secretRef.name"));
        var fetch = Rendered.Get(rendered["StatefulSet", "r-vae-train-worker"], "spec.template.spec.initContainers.0");
        Assert.Equal("s3://images/shards", Rendered.Text(fetch, "args.2"));
        Assert.Equal("2Gi", Rendered.Text(fetch, "resources.limits.memory"));
    }

    [Fact]
    public void Tls_GoesByNames_AndProbesByHttp()
    {
        var rendered = Rendered.Of("helm4", "--set", "tls.enabled=true,tls.existingSecret=certificates,tls.requireClientCertificate=true");
        Assert.Contains("--coordinator=https://r-vae-train-coordinator.ml.svc.cluster.local:5000", rendered.Arguments("worker"));
        Assert.Contains("--advertise=https://$(POD_NAME).r-vae-train-worker.ml.svc.cluster.local:5001", rendered.Arguments("worker"));
        Assert.Contains("--option=transport.tls.require_client_certificate=true", rendered.Arguments("coordinator"));
        Assert.Equal("/readyz", Rendered.Text(rendered.Container("worker"), "readinessProbe.httpGet.path"));
        Assert.False(Rendered.Has(rendered.Container("worker"), "livenessProbe.grpc"));
        var plain = Rendered.Of("helm4");
        foreach (var role in new[] { "coordinator", "worker" })
        {
            Assert.Equal("https", Rendered.Text(rendered["Service", $"r-vae-train-{role}"], "spec.ports.0.appProtocol"));
            Assert.Equal("kubernetes.io/h2c", Rendered.Text(plain["Service", $"r-vae-train-{role}"], "spec.ports.0.appProtocol"));
        }
    }

    [Theory]
    [InlineData("http", "", "")]
    [InlineData("https", "tls.enabled=true,tls.existingSecret=certificates", " --tls-authorities /etc/vaecluster/tls/ca.crt")]
    [InlineData("https", "tls.enabled=true,tls.existingSecret=certificates,tls.requireClientCertificate=true",
        " --tls-authorities /etc/vaecluster/tls/ca.crt --tls-certificate /etc/vaecluster/tls/tls.crt --tls-key /etc/vaecluster/tls/tls.key")]
    public void StatusCommand_OfNotesAndTest_HasWhatTlsNeeds(string scheme, string set, string tls)
    {
        var command = $"vaecluster status {scheme}://r-vae-train-coordinator.ml.svc.cluster.local:5000 --token-file /etc/vaecluster/token/token{tls}";
        var test = Rendered.Of("helm4", "--set", set)["Pod", "r-vae-train-test"];
        Assert.Equal($"{command} --json > /tmp/status", Rendered.Text(test, "spec.containers.0.args.0").Split('\n')[0]);
        // helm 3 asks a cluster before it writes notes.
        var notes = Tool.Helm("helm4", "install", "r", Tool.Chart, "--namespace", "ml", "--dry-run=client", "--set", set);
        Assert.True(notes.ExitCode == 0, notes.All);
        Assert.Contains($"\n           {command} --watch\n", notes.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", 4)] // files/run.yaml
    [InlineData("config.model.preset=mnist", 8)]
    [InlineData("config.train.steps=10", 8)]
    [InlineData("config.model.preset=sd", 4)]
    [InlineData("config.model.preset=sd,config.train.slots=16,config.train.batch=16", 16)]
    public void Notes_WarnOfWorkersWithoutASlot(string set, int slots)
    {
        Assert.DoesNotContain("spares", Notes(slots), StringComparison.Ordinal);
        Assert.Contains($"WARNING: up to {slots + 2} workers for {slots} slots", Notes(slots + 2), StringComparison.Ordinal);

        string Notes(int workers)
        {
            var said = Tool.Helm("helm4", "install", "r", Tool.Chart, "--dry-run=client", "--set", set, "--set", $"worker.replicas={workers}");
            Assert.True(said.ExitCode == 0, said.All);
            return said.Output[said.Output.IndexOf("NOTES:", StringComparison.Ordinal)..];
        }
    }

    [Fact]
    public void Probes_AreByGrpcHealth_WhereTheKubeletCan()
    {
        var now = Rendered.Of("helm4");
        Assert.Equal("5001", Rendered.Text(now.Container("worker"), "livenessProbe.grpc.port"));
        Assert.False(Rendered.Has(now.Container("worker"), "livenessProbe.grpc.service"));
        Assert.Equal("ready", Rendered.Text(now.Container("worker"), "readinessProbe.grpc.service"));
        Assert.Equal("5000", Rendered.Text(now.Container("coordinator"), "startupProbe.grpc.port"));
        Assert.Equal("360", Rendered.Text(now.Container("coordinator"), "startupProbe.failureThreshold"));

        var oldest = Rendered.OfOldest("helm4", "--set", "autoscaling.enabled=true");
        Assert.Equal("/healthz", Rendered.Text(oldest.Container("worker"), "livenessProbe.httpGet.path"));
        Assert.Equal("policy/v1beta1", Rendered.Text(oldest["PodDisruptionBudget", "r-vae-train-worker"], "apiVersion"));
        Assert.Equal("autoscaling/v2beta2", Rendered.Text(oldest["HorizontalPodAutoscaler", "r-vae-train-worker"], "apiVersion"));
    }

    [Fact]
    public void Monitoring_CarriesTheRulesAndTheDashboardWhole()
    {
        var rendered = Rendered.Of("helm4", "-f", Path.Combine(Tool.Chart, "ci/monitoring-values.yaml"));
        var rules = (YamlSequenceNode)Rendered.Get(rendered["PrometheusRule", "r-vae-train"], "spec.groups.0.rules");
        Assert.Equal(File.ReadLines(Path.Combine(Tool.Chart, "files/alerts.yaml")).Count(line => line.TrimStart().StartsWith("- alert:", StringComparison.Ordinal)), rules.Children.Count);
        Assert.Contains("{{ $labels.release }}", Rendered.Text(rules[0], "annotations.summary"), StringComparison.Ordinal);
        Assert.Equal("Slow", Rendered.Text(rendered["PrometheusRule", "r-vae-train"], "spec.groups.1.rules.0.alert"));
        Assert.Equal(File.ReadAllText(Path.Combine(Tool.Chart, "files/dashboard.json")).TrimEnd(),
            Rendered.Text(rendered["ConfigMap", "r-vae-train-dashboard"], "data.vaecluster~json").TrimEnd());
        Assert.Equal("", Rendered.Text(rendered["ConfigMap", "r-more"], "data.run"));
    }

    [Theory]
    [InlineData("storage.type=claim", "r-vae-train-runs|journal-r-vae-train-coordinator-0")]
    [InlineData("storage.type=existingClaim,storage.existingClaim=nfs.runs", "nfs[.]runs|journal-r-vae-train-coordinator-0")]
    [InlineData("storage.type=s3,storage.s3.uri=s3://bucket/runs,fullnameOverride=other", "journal-other-coordinator-0")]
    public void StorageAlert_LooksAtTheClaimsOfTheRelease(string set, string claims)
    {
        var rendered = Rendered.Of("helm4", "--set", "monitoring.prometheusRule.enabled=true", "--set", set);
        var rule = Assert.Single(rendered.All("PrometheusRule"));
        var alert = Assert.Single((YamlSequenceNode)Rendered.Get(rule, "spec.groups.0.rules"), each => Rendered.Text(each, "alert") == "VaeClusterStorageAlmostFull");
        Assert.Contains($"{{persistentvolumeclaim=~\"{claims}\"}}", Rendered.Text(alert, "expr"), StringComparison.Ordinal);

        var file = Path.GetTempFileName();
        try
        {
            using (var writer = new StreamWriter(file)) new YamlStream(new YamlDocument(Rendered.Get(rule, "spec"))).Save(writer, assignAnchors: false);
            var check = Tool.Promtool("check", "rules", "--lint-fatal", file);
            Assert.True(check.ExitCode == 0, check.All);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("a-release-whose-name-is-as-long-as-helm-lets-it-be53")]
    [InlineData("my.run")]
    [InlineData("a-name-that-is-cut-behind-two-dashes-4--of-it")]
    public void Names_OfAnyRelease_FitWhatKubernetesTakes(string release)
    {
        var rendered = Rendered.OfRelease(release, "-f", Path.Combine(Tool.Chart, "ci/autoscaling-values.yaml"),
            "--set", "monitoring.podMonitor.enabled=true,monitoring.prometheusRule.enabled=true,monitoring.dashboard.enabled=true");
        Assert.NotEmpty(rendered.Objects);
        // A StatefulSet's pods carry its name and eleven letters more in a label, which takes 63.
        Assert.All(rendered.Objects, each => Assert.InRange(Rendered.Text(each, "metadata.name").Length, 1, 52));
        Assert.All(rendered.Objects, each => Assert.Matches("^[a-z]([-a-z0-9]*[a-z0-9])?$", Rendered.Text(each, "metadata.name")));
    }
}
