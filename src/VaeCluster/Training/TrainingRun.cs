using System.Diagnostics;
using VaeCluster.Checkpoints;
using VaeCluster.Config;
using VaeCluster.Config.Runs;
using VaeCluster.Data;
using VaeCluster.Progress;
using VaeCluster.Worker.Training;

namespace VaeCluster.Training;

/// <summary>
/// A run from its checked configuration to its folder: steps, validations, pictures and checkpoints in between, weights and
/// summary at the end. The folder is written to only after everything that can be refused was refused.
/// </summary>
/// <param name="folder">Where it goes on, if a run is there.</param>
/// <param name="config">Checked.</param>
/// <param name="resume">The checkpoint to go on from; the newest one, if any, where none was chosen.</param>
/// <param name="view">Shows it.</param>
internal sealed class TrainingRun(RunFolder folder, RunConfig config, CheckpointChoice? resume, ITrainingView view)
{
    private readonly Pace _pace = new();
    private readonly List<double> _rates = [];
    private readonly long _started = Stopwatch.GetTimestamp();
    private double _secondsBefore; // of the processes that trained before this one
    private MetricsRow? _last;
    private ValidationRow? _validation;
    private long _skipped;
    private long _pictured = -1; // the step that the last pictures are from

    private double Seconds => _secondsBefore + Stopwatch.GetElapsedTime(_started).TotalSeconds;

    public int Run(CancellationToken cancellation)
    {
        using var training = new LocalTraining(config, cancellation);
        config.FixHorizon(training.TotalSteps);
        if (folder.HoldsRun && IsDone(training)) return ExitCodes.Success;
        using var checkpoints = new LocalCheckpoints(training, config, folder, view);
        if (checkpoints.Restore(resume, cancellation)) Recall(training.Step);
        else if (folder.HoldsRun) view.Note($"{folder.Path} holds a run without a checkpoint: it starts again from step 0, to the same bits.");

        folder.Begin(config);
        using var series = RunSeries.Open(folder, training.Step, view.Note);
        try
        {
            view.Show(() => Train(training, series, checkpoints, cancellation));
        }
        catch (SampleReadException)
        {
            Save(training, checkpoints, stopped: true);
            throw;
        }
        var finished = training.Step == training.TotalSteps;
        var saved = Save(training, checkpoints, stopped: !finished);
        Finish(training, series);
        view.Note(finished
            ? $"Finished after step {training.Step}: {folder.Path}"
            : $"Stopped after step {training.Step} of {training.TotalSteps}: {folder.Path} holds the series and the weights so far.");
        if (!saved) throw new UserErrorException($"The state after step {training.Step} is in no checkpoint: see above what the storage says.");
        return finished ? ExitCodes.Success : ExitCodes.Interrupted;
    }

    // Before the first step there is nothing that the seed does not give as well.
    private bool Save(LocalTraining training, LocalCheckpoints checkpoints, bool stopped) =>
        training.Step == 0 || checkpoints.SaveLast(_validation?.Loss, stopped);

    /// <summary>Looks at the run that the folder holds: another one is refused, a finished one needs nothing.</summary>
    private bool IsDone(LocalTraining training)
    {
        folder.ThrowIfAnother(config);
        var summary = folder.ReadSummary();
        if (summary?.Fingerprint is { } before && before != training.Fingerprint)
            view.Note($"Other bits from here on than an uninterrupted run has: it began on {before}, this process is {training.Fingerprint}.");
        if (resume is not null || summary is null) return false;
        if (summary.Finished && summary.Step == training.TotalSteps)
        {
            view.Note($"The run in {folder.Path} is finished, after step {summary.Step}. A longer one: --steps.");
            return true;
        }
        if (summary.Step > training.TotalSteps)
        {
            throw new UserErrorException($"{folder.Path} holds a run that is at step {summary.Step} already, beyond {training.TotalSteps}. "
                + "Name a new folder with --run.");
        }
        return false;
    }

    /// <summary>What the series tell of the steps before.</summary>
    private void Recall(long step)
    {
        foreach (var row in folder.ReadMetrics().Where(row => row.Step <= step))
        {
            _last = row;
            _rates.Add(row.ImagesPerSecond);
            if (!double.IsFinite(row.GradientNorm)) _skipped++;
        }
        _secondsBefore = _last?.Seconds ?? 0;
        _validation = folder.ReadValidations().LastOrDefault(row => row.Step <= step);
    }

    private void Train(LocalTraining training, RunSeries series, LocalCheckpoints checkpoints, CancellationToken cancellation)
    {
        try
        {
            // The one before was stopped in it.
            if (training.ValidationDue && _validation?.Step != training.Step) Validate(training, series, cancellation);
            while (training.Step < training.TotalSteps && !cancellation.IsCancellationRequested)
            {
                var outcome = training.RunStep(cancellation);
                Record(outcome, series);
                Report(outcome, training.TotalSteps);
                if (training.ValidationDue) Validate(training, series, cancellation);
                checkpoints.SaveIfDue(_validation?.Loss);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // A step or validation that was given up left no trace; the run ends with the last whole step.
        }
    }

    private void Record(StepOutcome outcome, RunSeries series)
    {
        var rate = outcome.Samples / outcome.Duration.TotalSeconds;
        _last = new MetricsRow(outcome.Step, outcome.Epoch, outcome.Samples, outcome.Loss, outcome.Recon, outcome.Kl, outcome.Psnr,
            outcome.GradientNorm, outcome.LearningRate, outcome.Beta, rate, Seconds);
        _rates.Add(rate);
        if (!outcome.Updated) _skipped++;
        series.Add(_last);
    }

    private void Report(StepOutcome outcome, long totalSteps)
    {
        _pace.Add(outcome.Samples, outcome.Duration);
        view.Report(new Snapshot(outcome.Step, totalSteps, outcome.Epoch, outcome.Loss, outcome.Recon, outcome.Kl,
            _pace.ImagesPerSecond, _pace.Left(totalSteps - outcome.Step)));
        if (!outcome.Updated) view.Note($"step {outcome.Step}: the gradient is not finite; nothing was updated");
    }

    private void Validate(LocalTraining training, RunSeries series, CancellationToken cancellation)
    {
        var outcome = training.Validate(cancellation);
        var losses = outcome.Losses;
        _validation = new ValidationRow(outcome.Step, _last?.Epoch ?? 0, losses.Samples, losses.Loss, losses.Recon, losses.Kl, losses.Psnr, outcome.ActiveUnits);
        series.Add(_validation);
        view.Note(_validation.Sentence);
        series.WritePictures(training.Step, pathOf => training.WritePictures(pathOf, cancellation));
        _pictured = training.Step;
    }

    private void Finish(LocalTraining training, RunSeries series)
    {
        if (_pictured != training.Step)
            series.WritePictures(training.Step, pathOf => training.WritePictures(pathOf, CancellationToken.None));
        series.Complete();
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
