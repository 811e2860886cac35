using System.Text.Json.Nodes;
using VaeCluster.Applications.Interchange;
using VaeCluster.Checkpoints;
using VaeCluster.Models;
using VaeCluster.Torch;
using static TorchSharp.torch;

namespace VaeCluster.Tests.Interchange;

/// <summary>Models for other tools, and from them.</summary>
public sealed class InterchangeTests : IDisposable
{
    private readonly RunSandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Export_TinyRun_IsReadByPlainPyTorchAndComesBackBitForBit()
    {
        _sandbox.Train(TinyConfig("optimizer: {ema_decay: 0.5}")).AssertSuccess();
        var (folder, average, file) = (_sandbox.In("vae"), _sandbox.In("vae-ema"), _sandbox.In("tiny.safetensors"));
        Assert.Contains("scaling factor", RunSandbox.Start("export", "diffusers", _sandbox.Run, folder, "--samples", "20").AssertSuccess().Output, StringComparison.Ordinal);
        RunSandbox.Start("export", "diffusers", _sandbox.Run, average, "--ema", "--scaling-factor", "0.5").AssertSuccess();
        RunSandbox.Start("export", "safetensors", _sandbox.Run, file).AssertSuccess();
        RunSandbox.Start("export", "safetensors", _sandbox.Run, file).AssertUserError("is there already");

        var options = ModelOptions.Of("tiny");
        AssertDecodesAlike(folder, options);
        Assert.True((double)Config(folder)["scaling_factor"]! > 0);
        Assert.Equal(0.5, (double)Config(average)["scaling_factor"]!);
        Assert.NotEqual(HashOf(folder), HashOf(average));
        var hash = (string)Inspect(_sandbox.Run)["weights_sha256"]!;
        Assert.Equal(hash, HashOf(folder));
        using (var weights = SafetensorsFile.Open(file)) Assert.Equal(hash, TensorHash.Of(weights));

        // Back again, and on from there.
        var back = _sandbox.In("run-back");
        var imported = RunSandbox.Start("import", folder, "--run", back, "--set", "data.source=shapes:?count=40&size=32", "train.steps=2", "train.batch=8", "train.slots=2", "optimizer.ema_decay=0.9").AssertSuccess();
        Assert.Contains(hash, imported.Output, StringComparison.Ordinal);
        var start = JsonNode.Parse(RunSandbox.Start("checkpoints", "list", back, "--json").AssertSuccess().Output)![0]!;
        Assert.Equal((0, hash), ((long)start["step"]!, (string)start["weights_sha256"]!));
        Assert.Contains("Resumed after step 0", RunSandbox.Start("train", "--run", back).AssertSuccess().Output, StringComparison.Ordinal);
        RunSandbox.Start("import", folder, "--run", back).AssertUserError("holds a run already");
        Directory.Delete(Path.Combine(back, "checkpoints"), recursive: true);
        RunSandbox.Start("train", "--run", back, "--steps", "3").AssertUserError("Import them again");
    }

    [Fact]
    public void Export_Sd_HasTheFormatsTensorsAndDecodesAsInPlainPyTorch()
    {
        var options = ModelOptions.Of("sd");
        var folder = _sandbox.In("sd");
        random.manual_seed(3);
        using (var model = ImageAutoencoder.Create(options)) Write(model, _sandbox.In("sd.safetensors"));
        using (var file = SafetensorsFile.Open(_sandbox.In("sd.safetensors"))) DiffusersFolder.Write(folder, options, new NamedWeights(file), 0.18215);

        using (var exported = SafetensorsFile.Open(Path.Combine(folder, DiffusersFolder.WeightsName)))
        {
            var found = exported.Tensors.Select(tensor => $"{tensor.Name} [{string.Join(", ", tensor.Shape)}]").Order(StringComparer.Ordinal);
            Assert.Equal(File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Interchange", "sd_vae_keys.txt")), found);
        }
        Assert.True(JsonNode.DeepEquals(Config(folder), JsonNode.Parse("""
            {
              "_class_name": "AutoencoderKL", "_diffusers_version": "0.21.4", "act_fn": "silu",
              "block_out_channels": [128, 256, 512, 512],
              "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
              "in_channels": 3, "latent_channels": 4, "layers_per_block": 2, "norm_num_groups": 32, "out_channels": 3,
              "sample_size": 256, "scaling_factor": 0.18215,
              "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"]
            }
            """)), Config(folder).ToJsonString());
        AssertDecodesAlike(folder, options);
    }

    [Fact]
    public void Import_CompVisAndOldDiffusers_AreTheSameModel()
    {
        var ours = _sandbox.In("ours.safetensors");
        random.manual_seed(4);
        using (var model = ImageAutoencoder.Create(ModelOptions.Of("tiny"))) Write(model, ours);
        using var file = SafetensorsFile.Open(ours);
        // What the original code calls them; attention as 1x1 convolutions there.
        (string Ours, string Theirs)[] compVis =
        [
            ("encoder.down_blocks.0.resnets.0.", "encoder.down.0.block.0."), ("encoder.down_blocks.1.resnets.0.", "encoder.down.1.block.0."),
            ("encoder.down_blocks.0.downsamplers.0.conv.", "encoder.down.0.downsample.conv."),
            ("decoder.up_blocks.0.resnets.0.", "decoder.up.1.block.0."), ("decoder.up_blocks.0.resnets.1.", "decoder.up.1.block.1."),
            ("decoder.up_blocks.1.resnets.0.", "decoder.up.0.block.0."), ("decoder.up_blocks.1.resnets.1.", "decoder.up.0.block.1."),
            ("decoder.up_blocks.0.upsamplers.0.conv.", "decoder.up.1.upsample.conv."), ("conv_shortcut", "nin_shortcut"),
            ("mid_block.resnets.0.", "mid.block_1."), ("mid_block.resnets.1.", "mid.block_2."), ("conv_norm_out", "norm_out"),
            ("mid_block.attentions.0.group_norm", "mid.attn_1.norm"), ("mid_block.attentions.0.to_q", "mid.attn_1.q"),
            ("mid_block.attentions.0.to_k", "mid.attn_1.k"), ("mid_block.attentions.0.to_v", "mid.attn_1.v"),
            ("mid_block.attentions.0.to_out.0", "mid.attn_1.proj_out"),
        ];
        (string Ours, string Theirs)[] old = [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")];
        foreach (var (names, prefix) in new[] { (compVis, "first_stage_model."), (compVis, ""), (old, "") })
        {
            var theirs = _sandbox.In("theirs.safetensors");
            var renamed = file.Tensors.Select(entry => (Name: prefix + names.Aggregate(entry.Name, (name, pair) => name.Replace(pair.Ours, pair.Theirs, StringComparison.Ordinal)), Entry: entry)).ToList();
            Assert.DoesNotContain(renamed, tensor => tensor.Name.Contains("_blocks", StringComparison.Ordinal) && names == compVis);
            using (var stream = File.Create(theirs))
            {
                bool IsMatrix(SafetensorsEntry entry) => names == compVis && entry.Shape.Count == 2;
                var declared = renamed.Select(tensor => new SafetensorsDeclaration(tensor.Name, SafetensorsType.F32, IsMatrix(tensor.Entry) ? [.. tensor.Entry.Shape, 1, 1] : tensor.Entry.Shape)).ToList();
                if (names == compVis) declared.Add(new(prefix.Length > 0 ? "model.diffusion_model.out.bias" : "loss.logvar", SafetensorsType.F32, [1]));
                using var writer = new SafetensorsWriter(stream, declared);
                foreach (var (name, entry) in renamed) writer.Write(name, file.Bytes(entry));
                if (names == compVis) writer.Write(declared[^1].Name, new byte[4]);
                writer.Complete();
            }
            using (var model = ForeignModel.Open(theirs))
            {
                Assert.Equal(file.Tensors.Select(entry => entry.Name).Order(StringComparer.Ordinal), model.Weights.Names);
                Assert.Contains("widths: [32, 64], layers_per_block: 1", model.Yaml, StringComparison.Ordinal);
            }
            var run = _sandbox.In($"run{Guid.NewGuid():N}");
            var imported = RunSandbox.Start("import", theirs, "--run", run, "--set", "data.source=shapes:?count=40&size=32", "model.image_size=32").AssertSuccess();
            Assert.Contains(TensorHash.Of(file), imported.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Export_OrImport_OfWhatDoesNotFit_IsRefused()
    {
        _sandbox.Train(_sandbox.SmallConfig(), "--steps", "1").AssertSuccess();
        var vae = _sandbox.In("vae");
        RunSandbox.Start("export", "diffusers", _sandbox.Run, vae).AssertUserError("model.preset is mnist");
        RunSandbox.Start("export", "safetensors", _sandbox.Run, vae, "--ema").AssertUserError("no moving average");
        RunSandbox.Start("export", "safetensors", _sandbox.Run, vae, "--checkpoint", "5").AssertUserError("there is no checkpoint of step 5");
        Assert.False(Path.Exists(vae));

        var (weights, other) = (Path.Combine(_sandbox.Run, "weights.safetensors"), _sandbox.In("other"));
        RunSandbox.Start("import", weights, "--run", other).AssertUserError("does not say which model it is of");
        RunSandbox.Start("import", weights, "--run", other, "--config", TinyConfig("")).AssertUserError("does not fit the model", "is missing");
        File.WriteAllBytes(_sandbox.In("cut.safetensors"), File.ReadAllBytes(weights)[..^1]);
        RunSandbox.Start("import", _sandbox.In("cut.safetensors"), "--run", other).AssertUserError("cut.safetensors");
        RunSandbox.Start("import", _sandbox.In("nowhere"), "--run", other).AssertUserError("no safetensors file");
        Assert.False(Directory.Exists(other));
    }

    private string TinyConfig(string more) => _sandbox.Write("tiny.yaml", $$"""
        model: {preset: tiny}
        data: {source: "shapes:?count=40&size=32", threads: 1}
        train: {batch: 8, slots: 2, steps: 2}
        {{more}}
        """);

    /// <summary>The images that the folder's decoder makes in plain PyTorch and those that ours makes of its weights.</summary>
    private void AssertDecodesAlike(string folder, ModelOptions options)
    {
        var outcome = _sandbox.In("decoded.safetensors");
        var script = Path.Combine(AppContext.BaseDirectory, "Interchange", "decode_folder.py");
        ProgramRun.Start("/usr/bin/python3", ["-B", script, folder, outcome]).AssertSuccess();

        TorchRuntime.Start(1, deterministic: true);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var model = ImageAutoencoder.Create(options);
        model.eval();
        using (var weights = SafetensorsFile.Open(Path.Combine(folder, DiffusersFolder.WeightsName)))
        {
            foreach (var (name, tensor) in model.state_dict()) weights.Read(weights.Find(name)!, 0, tensor.detach().bytes);
        }
        using var expected = SafetensorsFile.Open(outcome);
        AssertClose("mean", model.Encode(Read("image")).Mean);
        AssertClose("decoded", model.Decode(Read("drawn")));
        AssertClose("decoded_flat", model.Decode(Read("mean")));

        Tensor Read(string name)
        {
            var entry = expected.Find(name)!;
            var tensor = empty([.. entry.Shape]);
            expected.Read(entry, 0, tensor.bytes);
            return tensor;
        }

        void AssertClose(string name, Tensor found)
        {
            var wanted = Read(name);
            Assert.Equal(wanted.shape, found.shape);
            var difference = (found - wanted).abs().max().item<float>();
            Assert.True(difference <= 1e-5, $"{name} differs by {difference}");
        }
    }

    private static void Write(ImageAutoencoder model, string path)
    {
        var tensors = model.state_dict();
        using var stream = File.Create(path);
        using var writer = new SafetensorsWriter(stream, tensors.Select(pair => new SafetensorsDeclaration(pair.Key, SafetensorsType.F32, pair.Value.shape)));
        foreach (var (name, tensor) in tensors) writer.Write(name, tensor.detach().bytes);
        writer.Complete();
    }

    private static string HashOf(string folder)
    {
        using var file = SafetensorsFile.Open(Path.Combine(folder, DiffusersFolder.WeightsName));
        return TensorHash.Of(file);
    }

    private static JsonNode Config(string folder) => JsonNode.Parse(File.ReadAllText(Path.Combine(folder, DiffusersFolder.ConfigName)))!;

    private static JsonNode Inspect(string run) => JsonNode.Parse(ProgramRun.Of("inspect", run, "--json").AssertSuccess().Output)!;
}
