using System.Globalization;
using System.Text.RegularExpressions;

namespace VaeCluster.Applications.Interchange;

/// <summary>
/// The names that others give to the tensors of AutoencoderKL, turned into today's: diffusers before 0.17 (attention as query,
/// key, value, proj_attn), and the original CompVis code (down.N.block.M, the decoder's levels counted from the image on).
/// </summary>
internal static partial class ForeignNames
{
    private const string WholeModel = "first_stage_model."; // a checkpoint that holds the diffusion model too

    private static readonly Dictionary<string, string> OldAttention = new()
    {
        ["query"] = "to_q",
        ["key"] = "to_k",
        ["value"] = "to_v",
        ["proj_attn"] = "to_out.0",
    };

    private static readonly Dictionary<string, string> CompVisAttention = new()
    {
        ["norm"] = "group_norm",
        ["q"] = "to_q",
        ["k"] = "to_k",
        ["v"] = "to_v",
        ["proj_out"] = "to_out.0",
    };

    /// <summary>What turns the names of a file into ours: by itself where they are ours already.</summary>
    public static Func<string, string?> Reader(IEnumerable<string> names)
    {
        var all = names.ToList();
        var prefix = all.Any(name => name.StartsWith(WholeModel, StringComparison.Ordinal)) ? WholeModel : "";
        var levels = all.Select(name => CompVisDown().Match(name[Math.Min(prefix.Length, name.Length)..]))
            .Where(match => match.Success).Select(match => Number(match.Groups[1])).DefaultIfEmpty(-1).Max() + 1;
        return name =>
        {
            if (!name.StartsWith(prefix, StringComparison.Ordinal)) return null;
            var own = name[prefix.Length..];
            // The discriminator that it was trained against.
            if (levels > 0 && own.StartsWith("loss.", StringComparison.Ordinal)) return null;
            return levels > 0 ? FromCompVis(own, levels) : FromDiffusers(own);
        };
    }

    private static string FromDiffusers(string name) => OldProjection().Replace(name, match => OldAttention[match.Groups[1].Value] + ".");

    private static string FromCompVis(string name, int levels)
    {
        name = CompVisDown().Replace(name, match => $"encoder.down_blocks.{match.Groups[1].Value}.");
        name = CompVisUp().Replace(name, match => $"decoder.up_blocks.{levels - 1 - Number(match.Groups[1])}.");
        name = LevelBlock().Replace(name, "$1resnets.$2.");
        name = name.Replace(".downsample.conv.", ".downsamplers.0.conv.", StringComparison.Ordinal)
            .Replace(".upsample.conv.", ".upsamplers.0.conv.", StringComparison.Ordinal)
            .Replace(".nin_shortcut.", ".conv_shortcut.", StringComparison.Ordinal)
            .Replace(".mid.block_1.", ".mid_block.resnets.0.", StringComparison.Ordinal)
            .Replace(".mid.block_2.", ".mid_block.resnets.1.", StringComparison.Ordinal)
            .Replace("coder.norm_out.", "coder.conv_norm_out.", StringComparison.Ordinal);
        return MidAttention().Replace(name, match => $".mid_block.attentions.0.{CompVisAttention[match.Groups[1].Value]}.");
    }

    private static int Number(Group digits) => int.Parse(digits.Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"(?<=\.attentions\.\d+\.)(query|key|value|proj_attn)\.")]
    private static partial Regex OldProjection();

    [GeneratedRegex(@"^encoder\.down\.(\d{1,3})\.")]
    private static partial Regex CompVisDown();

    [GeneratedRegex(@"^decoder\.up\.(\d{1,3})\.")]
    private static partial Regex CompVisUp();

    [GeneratedRegex(@"^((?:encoder\.down|decoder\.up)_blocks\.\d+\.)block\.(\d+)\.")]
    private static partial Regex LevelBlock();

    [GeneratedRegex(@"\.mid\.attn_1\.(norm|q|k|v|proj_out)\.")]
    private static partial Regex MidAttention();
}
