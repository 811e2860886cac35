using System.Text;
using System.Text.Json.Nodes;
using VaeCluster.Applications.Sheets;
using VaeCluster.Config.Runs;

namespace VaeCluster.Applications.Reconstruction;

/// <summary>scores.csv and scores.json: PSNR and SSIM of each image, the worst first.</summary>
internal static class ReconstructionTables
{
    public static void Write(OutputFolder folder, AppliedModel model, IReadOnlyList<Reconstructed> worstFirst)
    {
        var csv = new StringBuilder("index,name,label,squared_error,psnr,ssim,ms_ssim\n");
        foreach (var (image, similarity) in worstFirst)
        {
            csv.Append(image.Index).Append(',').Append(Csv.Cell(image.Name)).Append(',').Append(Csv.Cell(image.Label));
            foreach (var value in (double[])[similarity.SquaredError, similarity.Psnr, similarity.Ssim, similarity.MultiScale])
                csv.Append(',').Append(NumberText.Of(value));
            csv.Append('\n');
        }
        File.WriteAllText(folder.In("scores.csv"), csv.ToString());

        var mean = Reconstructed.Mean(worstFirst);
        var json = new JsonObject
        {
            ["model"] = model.Name,
            ["images"] = worstFirst.Count,
            ["squared_error"] = NumberText.Finite(mean.SquaredError),
            ["psnr"] = NumberText.Finite(mean.Psnr),
            ["ssim"] = NumberText.Finite(mean.Ssim),
            ["ms_ssim"] = NumberText.Finite(mean.MultiScale),
            ["worst_first"] = new JsonArray([.. worstFirst.Select(one => (JsonNode)new JsonObject
            {
                ["index"] = one.Image.Index,
                ["name"] = one.Image.Name,
                ["label"] = one.Image.Label,
                ["squared_error"] = NumberText.Finite(one.Similarity.SquaredError),
                ["psnr"] = NumberText.Finite(one.Similarity.Psnr),
                ["ssim"] = NumberText.Finite(one.Similarity.Ssim),
                ["ms_ssim"] = NumberText.Finite(one.Similarity.MultiScale),
            })]),
        };
        File.WriteAllText(folder.In("scores.json"), json.ToJsonString(RunSummary.Format) + "\n");
    }
}
