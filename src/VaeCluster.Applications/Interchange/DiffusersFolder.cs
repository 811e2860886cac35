using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using VaeCluster.Data;
using VaeCluster.Models;
using VaeCluster.Models.Presets;

namespace VaeCluster.Applications.Interchange;

/// <summary>The folder that AutoencoderKL.from_pretrained loads: config.json and diffusion_pytorch_model.safetensors.</summary>
public static class DiffusersFolder
{
    public const string ConfigName = "config.json";
    public const string WeightsName = "diffusion_pytorch_model.safetensors";

    // What the format has no key for.
    private const double Eps = 1e-6;

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <exception cref="UserErrorException">The format has no words for this model.</exception>
    public static void ThrowIfUnfit(ModelOptions model)
    {
        List<string> reasons = [];
        if (Preset.Find(model.Preset).Architecture != Architecture.StableDiffusion)
            reasons.Add($"model.preset is {model.Preset}; only sd and tiny, at any widths, are AutoencoderKL");
        else
        {
            if (model.Heads != 1) reasons.Add($"model.heads is {model.Heads}, the format's is 1");
            if (model.Eps != Eps) reasons.Add($"model.eps is {model.Eps}, the format's is {Eps}");
            if (!model.Variational) reasons.Add("model.variational is off");
        }
        if (reasons.Count > 0)
            throw new UserErrorException($"diffusers can't load this model: {string.Join("; ", reasons)}. `vaecluster export safetensors` takes any.");
    }

    /// <summary>Writes the folder; it must not be there, and is there as a whole.</summary>
    public static void Write(string path, ModelOptions model, NamedWeights weights, double scalingFactor)
    {
        ThrowIfUnfit(model);
        if (Path.Exists(path)) throw new UserErrorException($"{path}: is there already. Name a new folder.");
        Whole.WriteFolder(path, temporary =>
        {
            File.WriteAllText(Path.Combine(temporary, ConfigName), Config(model, scalingFactor).ToJsonString(Json) + "\n");
            weights.Write(Path.Combine(temporary, WeightsName));
        });
    }

    /// <summary>The section `model` that a folder's config.json describes; what we can't build is refused.</summary>
    /// <exception cref="UserErrorException">It is no AutoencoderKL, or one with parts that ours has not.</exception>
    public static (int? ImageSize, int Groups) Read(string path)
    {
        JsonNode config;
        try
        {
            config = JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? throw new UserErrorException($"{path}: is not a JSON map.");
            List<string> reasons = [];
            Expect("_class_name", "AutoencoderKL");
            Expect("act_fn", "silu");
            foreach (var (key, block) in (ReadOnlySpan<(string, string)>)[("down_block_types", "DownEncoderBlock2D"), ("up_block_types", "UpDecoderBlock2D")])
            {
                if (config[key] is JsonArray types && types.Any(type => (string?)type != block)) reasons.Add($"{key} has others than {block}");
            }
            foreach (var key in (ReadOnlySpan<string>)["use_quant_conv", "use_post_quant_conv", "mid_block_add_attention"])
            {
                if (config[key] is JsonValue value && !(bool)value) reasons.Add($"{key} is off");
            }
            if (reasons.Count > 0) throw new UserErrorException($"{path}: not a model that can be trained here: {string.Join("; ", reasons)}.");
            return ((int?)config["sample_size"], (int?)config["norm_num_groups"] ?? 32);

            void Expect(string key, string wanted)
            {
                if ((string?)config[key] is { } found && found != wanted) reasons.Add($"{key} is {found}, not {wanted}");
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path}: can't be read as the configuration of a model: {e.Message}", e);
        }
    }

    private static JsonObject Config(ModelOptions model, double scalingFactor) => new()
    {
        ["_class_name"] = "AutoencoderKL",
        ["_diffusers_version"] = "0.21.4",
        ["act_fn"] = "silu",
        ["block_out_channels"] = new JsonArray([.. model.Widths.Select(width => JsonValue.Create(width))]),
        ["down_block_types"] = Blocks(model, "DownEncoderBlock2D"),
        ["in_channels"] = model.Channels,
        ["latent_channels"] = model.Latent,
        ["layers_per_block"] = model.LayersPerBlock,
        ["norm_num_groups"] = model.Groups,
        ["out_channels"] = model.Channels,
        ["sample_size"] = model.ImageSize,
        // As many digits as such a measurement has.
        ["scaling_factor"] = double.Parse(scalingFactor.ToString("G6", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
        ["up_block_types"] = Blocks(model, "UpDecoderBlock2D"),
    };

    private static JsonArray Blocks(ModelOptions model, string name) => new([.. model.Widths.Select(_ => JsonValue.Create(name))]);
}
