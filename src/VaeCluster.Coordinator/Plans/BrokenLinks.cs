using VaeCluster.Coordinator.Membership;

namespace VaeCluster.Coordinator.Plans;

/// <summary>
/// Members that reach the coordinator but not each other: the one with the most broken links goes; in a tie the one that
/// more peers report, else the higher rank. It comes back with back-off.
/// </summary>
internal static class BrokenLinks
{
    public static PlanDecision? Decide(PlanView view)
    {
        var (run, plan) = (view.Run, view.Run.Plan!);
        var reports = run.Reports.Where(report => IsThere(report.Reporter) && IsThere(report.Lost)).ToList();
        if (reports.Count == 0) return null;
        if (view.Now - reports.Min(report => report.At) < view.Plans.ReportTime)
            return PlanDecision.Stay($"{reports[0].Reporter} lost {reports[0].Lost}: {reports[0].Reason}");

        var links = reports.Select(report => (Worker: report.Reporter, Peer: report.Lost))
            .Concat(reports.Select(report => (Worker: report.Lost, Peer: report.Reporter)))
            .Distinct()
            .ToLookup(link => link.Worker, link => link.Peer);
        var loser = links
            .OrderByDescending(group => group.Count())
            .ThenByDescending(group => reports.Where(report => report.Lost == group.Key).DistinctBy(report => report.Reporter).Count())
            .ThenByDescending(group => plan.RankOf(group.Key))
            .First();

        var times = run.Find(loser.Key)?.TimesOut ?? 0;
        var backOff = view.Plans.BackOff * Math.Pow(2, Math.Min(times, 20));
        if (backOff > view.Plans.MostBackOff) backOff = view.Plans.MostBackOff;
        var why = $"has no link to {Words.List(loser)}";
        return new(new PlanAction.PutOut(loser.Key, new Exclusion(why, view.Now + backOff)),
            $"{loser.Key} {why} and is kept out for {backOff.TotalSeconds:0.#} s.");

        bool IsThere(string worker) => plan.RankOf(worker) is not null && view.IsAlive(worker);
    }
}
