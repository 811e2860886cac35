using VaeCluster.Protocol.Plans;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Runs;

/// <summary>The newest plan as streams are sent it: without the names that a stream was told. Most were told the same plan before.</summary>
internal sealed class PlanForms
{
    private readonly Dictionary<Wire.Plan, Wire.CoordinatorMessage> forms = new(ReferenceEqualityComparer.Instance);
    private Wire.Plan? plan;

    /// <param name="message">With a plan, with all names.</param>
    /// <param name="before">The plan that was sent last on the stream, with all names; null for none.</param>
    public Wire.CoordinatorMessage Of(Wire.CoordinatorMessage message, Wire.Plan? before)
    {
        if (before is null) return message;
        if (!ReferenceEquals(plan, message.Plan)) forms.Clear();
        plan = message.Plan;
        if (forms.TryGetValue(before, out var form)) return form;
        return forms[before] = new() { Run = message.Run, Term = message.Term, Plan = PlanNames.Shorten(plan, before) };
    }
}
