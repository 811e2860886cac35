namespace VaeCluster.Config.Runs;

/// <summary>
/// What a run tells of itself while it trains: metrics.csv, validation.csv, the same with the pictures in tensorboard/, and
/// loss.png. One process at a time writes it, after <see cref="RunFolder.Begin"/>.
/// </summary>
public sealed class RunSeries : IDisposable
{
    // Of a long run, the steps take a moment to read.
    private static readonly TimeSpan CurveEvery = TimeSpan.FromMinutes(1);

    private readonly RunFolder folder;
    private readonly TimeProvider clock;
    private readonly MetricsLog metrics, validations;
    private readonly TensorBoardLog board;
    private long? drawn;
    private long pictured = -1;

    private RunSeries(RunFolder folder, long afterStep, TimeProvider clock)
    {
        (this.folder, this.clock) = (folder, clock);
        metrics = folder.OpenMetrics(afterStep);
        validations = folder.OpenValidation(afterStep);
        board = TensorBoardLog.Open(folder.TensorBoardPath, afterStep);
    }

    /// <param name="folder">Of the run.</param>
    /// <param name="afterStep">Steps done; what is there of later ones is dropped, because they will be done again.</param>
    public static RunSeries Open(RunFolder folder, long afterStep, TimeProvider? clock = null) => new(folder, afterStep, clock ?? TimeProvider.System);

    public void Add(MetricsRow row)
    {
        metrics.Append(row.Line);
        board.Scalars(row.Step, ("train/loss", row.Loss), ("train/recon", row.Recon), ("train/kl", row.Kl), ("train/psnr", row.Psnr),
            ("train/gradient_norm", row.GradientNorm), ("train/lr", row.Lr), ("train/beta", row.Beta), ("train/images_per_second", row.ImagesPerSecond));
    }

    public void Add(ValidationRow row)
    {
        validations.Append(row.Line);
        board.Scalars(row.Step, ("validation/loss", row.Loss), ("validation/recon", row.Recon), ("validation/kl", row.Kl), ("validation/psnr", row.Psnr),
            ("validation/active_units", row.ActiveUnits));
        if (drawn is not { } last || clock.GetElapsedTime(last) >= CurveEvery) WriteLossCurve();
    }

    /// <inheritdoc cref="RunFolder.WritePictures"/>
    public void WritePictures(long step, Action<Func<string, string>> write)
    {
        foreach (var (name, path) in folder.WritePictures(step, write)) board.Image(step, $"pictures/{name}", path);
        pictured = step;
    }

    /// <summary>Those that another process wrote after this step, once; there may be none, or none any more.</summary>
    public void TakePictures(long step)
    {
        if (pictured == step) return;
        pictured = step;
        foreach (var (name, path) in folder.PicturesOf(step))
        {
            try
            {
                board.Image(step, $"pictures/{name}", path);
            }
            catch (FileNotFoundException)
            {
                // Newer ones have taken its place.
            }
        }
    }

    /// <summary>As of now; validations do it on the way.</summary>
    public void WriteLossCurve()
    {
        folder.WriteLossCurve();
        drawn = clock.GetTimestamp();
    }

    public void Dispose()
    {
        metrics.Dispose();
        validations.Dispose();
        board.Dispose();
    }
}
