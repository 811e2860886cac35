namespace VaeCluster.Config.Runs;

/// <summary>
/// What a run tells of itself while it trains: metrics.csv, validation.csv, the same with the pictures in tensorboard/, and
/// loss.png. One process at a time writes it, after <see cref="RunFolder.Begin"/>. Where the folder can't be written for a
/// while, rows wait in memory and the pictures of that time are missing.
/// </summary>
public sealed class RunSeries : IDisposable
{
    // Of a long run, the steps take a moment to read.
    private static readonly TimeSpan CurveEvery = TimeSpan.FromMinutes(1);

    private readonly RunFolder folder;
    private readonly Action<string> tell;
    private readonly TimeProvider clock;
    private readonly MetricsLog metrics, validations;
    private readonly TensorBoardLog board;
    private long? drawn;
    private long pictured = -1;

    private bool fails;

    private RunSeries(RunFolder folder, long afterStep, Action<string> tell, TimeProvider clock)
    {
        (this.folder, this.tell, this.clock) = (folder, tell, clock);
        metrics = folder.OpenMetrics(afterStep);
        validations = folder.OpenValidation(afterStep);
        board = TensorBoardLog.Open(folder.TensorBoardPath, afterStep);
    }

    /// <param name="folder">Of the run.</param>
    /// <param name="afterStep">Steps done; what is there of later ones is dropped, because they will be done again.</param>
    /// <param name="tell">Told a sentence when the folder can't be written, and when it can again.</param>
    /// <param name="clock">The time.</param>
    public static RunSeries Open(RunFolder folder, long afterStep, Action<string> tell, TimeProvider? clock = null) =>
        new(folder, afterStep, tell, clock ?? TimeProvider.System);

    public void Add(MetricsRow row)
    {
        metrics.Append(row.Line);
        board.Scalars(row.Step, ("train/loss", row.Loss), ("train/recon", row.Recon), ("train/kl", row.Kl), ("train/psnr", row.Psnr),
            ("train/gradient_norm", row.GradientNorm), ("train/lr", row.Lr), ("train/beta", row.Beta), ("train/images_per_second", row.ImagesPerSecond));
        Show(metrics.Failure ?? validations.Failure ?? board.Failure);
    }

    public void Add(ValidationRow row)
    {
        validations.Append(row.Line);
        board.Scalars(row.Step, ("validation/loss", row.Loss), ("validation/recon", row.Recon), ("validation/kl", row.Kl), ("validation/psnr", row.Psnr),
            ("validation/active_units", row.ActiveUnits));
        if (drawn is not { } last || clock.GetElapsedTime(last) >= CurveEvery) Try("loss.png", WriteLossCurve);
    }

    /// <inheritdoc cref="RunFolder.WritePictures"/>
    public void WritePictures(long step, Action<Func<string, string>> write) => Try($"pictures of step {step}", () =>
    {
        foreach (var (name, path) in folder.WritePictures(step, write)) board.Image(step, $"pictures/{name}", path);
        pictured = step;
    });

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

    /// <summary>All rows are in the folder after this, and the curve is of all of them.</summary>
    /// <exception cref="IOException">They can't be written.</exception>
    public void Complete()
    {
        metrics.Complete();
        validations.Complete();
        board.Complete();
        WriteLossCurve();
    }

    public void Dispose()
    {
        metrics.Dispose();
        validations.Dispose();
        board.Dispose();
    }

    private void WriteLossCurve()
    {
        folder.WriteLossCurve();
        drawn = clock.GetTimestamp();
    }

    private void Try(string what, Action write)
    {
        try
        {
            write();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            tell($"The run folder can't be written, {what} left out: {exception.Message}");
        }
    }

    private void Show(Exception? failure)
    {
        if (fails == failure is not null) return;
        fails = failure is not null;
        tell(fails ? $"The run folder can't be written: {failure!.Message} The series wait in memory until it can." : "The run folder is written again.");
    }
}
