using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using VaeCluster.Config.Binding;

namespace VaeCluster.Config.Runs;

/// <summary>One step, as metrics.csv keeps it. Losses are per sample, time in seconds since the run began.</summary>
public sealed record MetricsRow(
    long Step, long Epoch, long Samples, double Loss, double Recon, double Kl, double Psnr,
    double GradientNorm, double Lr, double Beta, double ImagesPerSecond, double Seconds)
{
    public const string Header = "step,epoch,samples,loss,recon,kl,psnr,gradient_norm,lr,beta,images_per_second,seconds";

    public string Line => string.Join(',', Step, Epoch, Samples, ScalarText.Format(Loss), ScalarText.Format(Recon), ScalarText.Format(Kl),
        ScalarText.Format(Psnr), ScalarText.Format(GradientNorm), ScalarText.Format(Lr), ScalarText.Format(Beta),
        ImagesPerSecond.ToString("F2", CultureInfo.InvariantCulture), Seconds.ToString("F3", CultureInfo.InvariantCulture));

    public static MetricsRow Parse(string line)
    {
        var cells = line.Split(',');
        return new(Whole(0), Whole(1), Whole(2), Real(3), Real(4), Real(5), Real(6), Real(7), Real(8), Real(9), Real(10), Real(11));

        long Whole(int i) => long.Parse(cells[i], CultureInfo.InvariantCulture);
        double Real(int i) => double.Parse(cells[i], CultureInfo.InvariantCulture);
    }
}

/// <summary>One validation after a step, as validation.csv keeps it. Losses are per sample.</summary>
public sealed record ValidationRow(long Step, long Epoch, long Samples, double Loss, double Recon, double Kl, double Psnr, int ActiveUnits)
{
    public const string Header = "step,epoch,samples,loss,recon,kl,psnr,active_units";

    [JsonIgnore]
    public string Line => string.Join(',', Step, Epoch, Samples, ScalarText.Format(Loss), ScalarText.Format(Recon), ScalarText.Format(Kl),
        ScalarText.Format(Psnr), ActiveUnits);

    /// <summary>For people.</summary>
    [JsonIgnore]
    public string Sentence => FormattableString.Invariant(
        $"validation after step {Step}: loss {Loss:G6} (recon {Recon:G6} + KL {Kl:G6})  PSNR {Psnr:F2} dB  {ActiveUnits} active units");

    public static ValidationRow Parse(string line)
    {
        var cells = line.Split(',');
        return new(Whole(0), Whole(1), Whole(2), Real(3), Real(4), Real(5), Real(6), (int)Whole(7));

        long Whole(int i) => long.Parse(cells[i], CultureInfo.InvariantCulture);
        double Real(int i) => double.Parse(cells[i], CultureInfo.InvariantCulture);
    }

    public JsonObject ToJson() => (JsonObject)JsonSerializer.SerializeToNode(this, RunSummary.Format)!;
}
