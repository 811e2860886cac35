using System.Diagnostics;
using VaeCluster.Config;
using VaeCluster.Config.Runs;
using VaeCluster.Progress;
using VaeCluster.Torch;
using VaeCluster.Worker.Training;

namespace VaeCluster.Training;

/// <summary>
/// A run from its checked configuration to its folder: steps, validations and pictures in between, weights and summary at
/// the end. The folder is written to only after everything that can be refused was refused.
/// </summary>
internal sealed class TrainingRun(RunFolder folder, RunConfig config, ITrainingView view)
{
    private readonly Pace _pace = new();
    private readonly List<double> _rates = [];
    private readonly long _started = Stopwatch.GetTimestamp();
    private StepOutcome? _last;
    private ValidationRow? _validation;
    private long _skipped;
    private long _pictured = -1; // the step that the last pictures are from

    private double Seconds => Stopwatch.GetElapsedTime(_started).TotalSeconds;

    public int Run(CancellationToken cancellation)
    {
        using var training = new LocalTraining(config, cancellation);
        // The horizon goes into the folder as a number, so that a longer run later does not bend the schedule.
        if (config.Optimizer.Schedule.Kind == ScheduleKind.Cosine) config.Optimizer.Schedule.Steps ??= training.TotalSteps;
        if (folder.HoldsRun && IsDone(training.TotalSteps)) return ExitCodes.Success;

        folder.Begin(config);
        view.Show(() => Train(training, cancellation));
        Finish(training);
        view.Note(training.Step == training.TotalSteps
            ? $"Finished after step {training.Step}: {folder.Path}"
            : $"Stopped after step {training.Step} of {training.TotalSteps}: {folder.Path} holds the series and the weights so far.");
        return training.Step == training.TotalSteps ? ExitCodes.Success : ExitCodes.Interrupted;
    }

    /// <summary>Looks at the run that the folder holds: another one is refused, a finished one needs nothing.</summary>
    private bool IsDone(long totalSteps)
    {
        var difference = RunConfig.Difference(folder.ReadConfig(), config).Where(d => !d.MayChange).ToList();
        if (difference.Count > 0)
        {
            throw new UserErrorException([
                $"{folder.Path} holds a run with another configuration. Name a new folder with --run, or take these back:",
                .. difference.Select(d => $"  {d}"),
            ]);
        }
        var summary = folder.ReadSummary();
        if (summary?.Finished == true && summary.Step == totalSteps)
        {
            view.Note($"The run in {folder.Path} is finished, after step {totalSteps}. A longer one: --steps.");
            return true;
        }
        if (summary?.Step > totalSteps)
            throw new UserErrorException($"{folder.Path} holds a run that is at step {summary.Step} already, beyond {totalSteps}. Name a new folder with --run.");
        view.Note($"{folder.Path} holds a run without a checkpoint: it starts again from step 0, to the same bits.");
        return false;
    }

    private void Train(LocalTraining training, CancellationToken cancellation)
    {
        using var metrics = folder.OpenMetrics(training.Step);
        using var validations = folder.OpenValidation(training.Step);
        try
        {
            while (training.Step < training.TotalSteps && !cancellation.IsCancellationRequested)
            {
                var outcome = training.RunStep(cancellation);
                Record(outcome, metrics);
                Report(outcome, training.TotalSteps);
                if (training.ValidationDue) Validate(training, validations, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // A step or validation that was given up left no trace; the run ends with the last whole step.
        }
    }

    private void Record(StepOutcome outcome, MetricsLog metrics)
    {
        var rate = outcome.Samples / outcome.Duration.TotalSeconds;
        _last = outcome;
        _rates.Add(rate);
        if (!outcome.Updated) _skipped++;
        metrics.Append(new MetricsRow(outcome.Step, outcome.Epoch, outcome.Samples, outcome.Loss, outcome.Recon, outcome.Kl, outcome.Psnr,
            outcome.GradientNorm, outcome.LearningRate, outcome.Beta, rate, Seconds).Line);
    }

    private void Report(StepOutcome outcome, long totalSteps)
    {
        _pace.Add(outcome.Samples, outcome.Duration);
        view.Report(new Snapshot(outcome.Step, totalSteps, outcome.Epoch, outcome.Loss, outcome.Recon, outcome.Kl,
            _pace.ImagesPerSecond, _pace.Left(totalSteps - outcome.Step)));
        if (!outcome.Updated) view.Note($"step {outcome.Step}: the gradient is not finite; nothing was updated");
    }

    private void Validate(LocalTraining training, MetricsLog log, CancellationToken cancellation)
    {
        var outcome = training.Validate(cancellation);
        var losses = outcome.Losses;
        _validation = new ValidationRow(outcome.Step, _last!.Epoch, losses.Samples, losses.Loss, losses.Recon, losses.Kl, losses.Psnr, outcome.ActiveUnits);
        log.Append(_validation.Line);
        view.Note(_validation.Sentence);
        folder.WritePictures(training.Step, pathOf => training.WritePictures(pathOf, cancellation));
        _pictured = training.Step;
    }

    private void Finish(LocalTraining training)
    {
        if (_pictured != training.Step)
            folder.WritePictures(training.Step, pathOf => training.WritePictures(pathOf, CancellationToken.None));
        folder.WriteWhole(RunFolder.WeightsName, training.SaveWeights);
        folder.WriteSummary(new RunSummary
        {
            Step = training.Step,
            TotalSteps = training.TotalSteps,
            Finished = training.Step == training.TotalSteps,
            Epoch = _last?.Epoch ?? 0,
            WeightsSha256 = training.WeightsSha256(),
            ImagesPerSecondMedian = RunSummary.Median(_rates),
            Parameters = training.ParameterCount,
            Loss = _last?.Loss,
            Recon = _last?.Recon,
            Kl = _last?.Kl,
            Psnr = _last?.Psnr,
            SkippedSteps = _skipped,
            Validation = _validation?.ToJson(),
            Seconds = Math.Round(Seconds, 3),
            Fingerprint = training.Fingerprint,
            Config = config.ToJson(),
        });
    }
}
