using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using VaeCluster.Collectives;
using VaeCluster.Protocol.Segments;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Plans;

/// <summary>Plans as messages and back.</summary>
internal static class PlanWire
{
    private const int MostSlots = 1 << 16;
    private static readonly ConditionalWeakTable<Plan, Wire.Plan> Messages = [];

    public static Wire.Generation ToWire(this PlanGeneration generation) => new() { Term = generation.Term, Number = generation.Number };

    public static PlanGeneration FromWire(this Wire.Generation generation) => new(generation.Term, generation.Number);

    /// <summary>One object for one plan: nobody changes it.</summary>
    public static Wire.Plan ToWire(this Plan plan) => Messages.GetValue(plan, Message);

    private static Wire.Plan Message(Plan plan)
    {
        var message = new Wire.Plan
        {
            Generation = plan.Generation.ToWire(),
            Slots = (uint)plan.Slots,
            Reason = plan.Reason,
            Writer = (uint)plan.Writer,
        };
        if (plan.FirstStep is { } first) message.FirstStep = first;
        message.Sources.AddRange(plan.Sources.Select(rank => (uint)rank));
        message.Members.AddRange(plan.Members.Select(member => new Wire.Member
        {
            WorkerId = member.Worker,
            Endpoint = member.Endpoint,
            BootId = member.BootId,
            FirstSlot = (uint)member.Range.Start,
            Slots = (uint)member.Range.Count,
            CopiesState = member.CopiesState,
        }));
        return message;
    }

    /// <summary>A plan as a worker tells it, or null for one that no coordinator of this run can have made.</summary>
    public static Plan? TryFromWire(Wire.Plan message, int slots)
    {
        if (message.Generation is null || message.Slots != slots || slots > MostSlots || message.Members.Count == 0) return null;
        if (message.Writer >= message.Members.Count || message.Sources.Any(rank => rank >= message.Members.Count)) return null;
        if (message.Members.DistinctBy(member => member.WorkerId).Count() != message.Members.Count) return null;

        var members = ImmutableArray.CreateBuilder<PlanMember>(message.Members.Count);
        var next = 0;
        foreach (var member in message.Members)
        {
            if (member.Slots > slots || (member.Slots > 0 && member.FirstSlot != next)) return null;
            var start = member.Slots > 0 ? next : 0;
            next += (int)member.Slots;
            members.Add(new(member.WorkerId, member.Endpoint, member.BootId, new SlotRange(start, start + (int)member.Slots), member.CopiesState));
        }
        if (next != slots) return null;
        return new Plan
        {
            Generation = message.Generation.FromWire(),
            FirstStep = message.HasFirstStep ? message.FirstStep : null,
            Slots = slots,
            Members = members.MoveToImmutable(),
            Writer = (int)message.Writer,
            Sources = [.. message.Sources.Select(rank => (int)rank)],
            Cause = PlanCause.Adoption,
            Reason = message.Reason,
        };
    }
}
