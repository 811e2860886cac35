using System.Diagnostics;
using VaeCluster.Protocol.V1;
using VaeCluster.Worker.Links;
using Generation = VaeCluster.Collectives.Generation;

namespace VaeCluster.Worker.Hosting;

/// <summary>What the coordinator says, and the plans that come of it.</summary>
internal sealed partial class Member
{
    public void Hear(Plan message)
    {
        MemberPlan heard;
        try
        {
            heard = MemberPlan.Read(message, workerId);
        }
        catch (InvalidDataException exception)
        {
            HostingLog.Ignored(logger, exception.Message);
            return;
        }
        if (!plans.IsNews(heard)) return;
        connection.KnownGeneration = plans.Newest;
        if (heard.FirstStep is { } first) Install(heard, first);
        else Announce(heard);
    }

    public void Hear(Halt halt)
    {
        var generation = new Generation(halt.Generation.Term, halt.Generation.Number);
        if (!plans.IsNews(generation)) return;
        connection.KnownGeneration = plans.Newest;
        EndPlan(halt.Reason);
        rounds.Halted();
        reports.Halted(generation, holdsState ? parts.State.Step : null);
    }

    public void Hear(Restore restore)
    {
        HostingLog.Restores(logger, restore.Reason);
        rounds.Restored(output.Restore());
        holdsState = true;
        Publish();
        reports.Ready(standing);
    }

    public void Hear(Finish finish)
    {
        if (finish.Kind == Finish.Types.Kind.Stopped) Save();
        end = MemberEnd.Of(finish);
    }

    /// <summary>SIGTERM: the step in hand is finished, and others take the slots.</summary>
    public void Leave(string reason)
    {
        if (leavingSince is not null) return;
        leavingSince = Stopwatch.GetTimestamp();
        reports.LeaveAsked(reason);
    }

    /// <summary>A plan that is in force, beginning with a step.</summary>
    private void Install(MemberPlan installed, long first)
    {
        EndPlan($"Plan {installed.Generation} begins.");
        if (!installed.IsMember)
        {
            LeavePlan(installed);
            return;
        }
        var has = holdsState && !installed.Self.CopiesState && parts.State.Step == first;
        var isSpare = installed.Self.IsSpare;
        Open(installed, has || !isSpare ? parts.Rounds.First(first) : null);
        if (has) Resume();
        else Copy(isSpare ? null : first);
    }

    /// <summary>A plan to switch to.</summary>
    private void Announce(MemberPlan announced)
    {
        if (plans.Current is null)
        {
            // A joiner: the others switch, and it follows from there.
            if (!announced.IsMember || !announced.Self.IsSpare) return;
            Open(announced, null);
            Copy(null);
            return;
        }
        // Nobody waits for a spare, and it need not wait for the others' next step, which may never reach it.
        if (!announced.IsMember && plans.IsSpare)
        {
            EndPlan(announced.Reason);
            LeavePlan(announced);
            return;
        }
        if (announced.IsMember)
        {
            plans.Open(announced);
            if (!Exchange.Prepare(announced.ToView(parts.IsEmpty), links.Open(announced))) return;
        }
        plans.Announce(announced);
        Publish();
        if (plans.SwitchToAwaited() is { } awaited) Switch(awaited);
    }

    private void Switch(MemberPlan switched)
    {
        if (switched.IsMember) TakeUp(switched);
        else LeavePlan(switched);
    }

    private void Open(MemberPlan taken, long? round)
    {
        plans.Open(taken);
        Exchange.Open(taken.ToView(parts.IsEmpty), links.Open(taken), round);
        TakeUp(taken);
    }

    private void TakeUp(MemberPlan taken)
    {
        plans.TakeUp(taken);
        (wasWriter, isStopped, planBegins, atBoundary) = (taken.IsWriter, false, true, true);
        Pace.Restart();
        Aim();
        links.CloseBefore(taken.Generation);
        var contributing = taken.Members.Count(member => !member.IsSpare);
        metrics.Plan(taken.Generation, contributing, taken.Members.Count - contributing, taken.Self.Slots.Count);
        HostingLog.Planned(logger, taken.Generation, taken.Rank, taken.Members.Count, taken.Self.Slots.Count, taken.Reason);
        Publish();
        TellRecords();
        // Of who computes and who is new the coordinator waits to hear; a thousand spares tell it in their turn.
        if (!taken.Self.IsSpare || taken.Self.CopiesState) connection.HeartbeatNow();
    }

    /// <summary>No part in the plan any more. The links still have to send what they have queued.</summary>
    private void LeavePlan(MemberPlan without)
    {
        plans.Leave();
        links.CloseBefore(without.Generation);
        connection.SendRecords = false;
        metrics.NoPlan();
        Publish();
        connection.HeartbeatNow();
        if (leavingSince is not null) end = new(MemberEndKind.Left, without.Reason);
    }

    private void EndPlan(string reason)
    {
        arrival.Cancel();
        Exchange.End(reason);
        connection.SendRecords = false;
        if (!plans.End()) return;
        metrics.NoPlan();
        Publish();
    }
}
