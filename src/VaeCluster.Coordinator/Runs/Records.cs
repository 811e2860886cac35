using VaeCluster.Coordinator.Membership;
using VaeCluster.Coordinator.Plans;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Runs;

/// <summary>Step records on their way into the journal: each step once, in order, without gaps. Pure.</summary>
internal static class Records
{
    public static RunSnapshot Hear(RunSnapshot run, WorkerSnapshot worker, Wire.StepRecords records, RunEffects effects)
    {
        if (!worker.IsSynced)
        {
            effects.Add(new RunEffect.Refused(Refusal.Stale, $"{worker} sent records, and is no member that has the state."));
            return run;
        }
        for (var i = 0; i < records.Records.Count; i++)
        {
            var record = records.Records[i];
            // What is there already comes again when another member becomes the writer.
            if (record.Step < run.NextRecord) continue;
            var isGap = record.Step > run.NextRecord && !(i == 0 && records.Oldest && PassedByAll(run, record.Step));
            if (isGap || (run.TotalSteps > 0 && record.Step >= run.TotalSteps))
            {
                if (isGap) effects.Send(worker, new() { RecordsAcknowledged = new() { BeforeStep = run.RecordedSteps, Again = true } });
                effects.Add(new RunEffect.Refused(Refusal.Step, $"{worker} sent a record of step {record.Step}, where step {run.NextRecord} comes next."));
                return run;
            }
            effects.Add(new RunEffect.Append(Entry(record)));
            effects.Add(new RunEffect.StepDone(record));
            run = run with { NextRecord = record.Step + 1 };
        }
        return run;
    }

    /// <summary>On disk.</summary>
    public static RunSnapshot Recorded(RunSnapshot run, ulong beforeStep, RunEffects effects)
    {
        // Written before all went back to a checkpoint: it will be done again.
        var recorded = Math.Min(beforeStep, run.NextRecord ?? 0);
        if (recorded <= run.RecordedSteps) return run;
        effects.Broadcast(run, new() { RecordsAcknowledged = new() { BeforeStep = recorded } });
        return run with { RecordedSteps = recorded };
    }

    /// <summary>Records between were lost with an earlier coordinator; the journal will show the gap.</summary>
    private static bool PassedByAll(RunSnapshot run, ulong step) => (run.Plan?.Contributors ?? [])
        .All(member => run.Find(member.Worker) is null or { CompletedSteps: null } || run.Find(member.Worker)!.CompletedSteps > step);

    private static StepEntry Entry(Wire.StepRecord record)
    {
        var losses = record.Losses ?? new();
        return new(record.Step, record.Generation.FromWire().ToString(), record.Epoch, record.FirstPosition, record.Samples,
            losses.Loss, losses.Reconstruction, losses.Kl, losses.GradientNorm, record.Skipped,
            record.StateSha256.IsEmpty ? null : Convert.ToHexStringLower(record.StateSha256.Span));
    }
}
