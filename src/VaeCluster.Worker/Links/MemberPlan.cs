using VaeCluster.Collectives;
using VaeCluster.Protocol.Transport;

namespace VaeCluster.Worker.Links;

/// <summary>A plan as the coordinator sent it, read and checked, with this worker's place in it.</summary>
public sealed class MemberPlan
{
    private MemberPlan(Protocol.V1.Plan message, Generation generation, IReadOnlyList<PlanMember> members, int rank)
    {
        (Message, Generation, Members, Rank) = (message, generation, members, rank);
        Sources = [.. message.Sources.Select(source => (int)source)];
    }

    /// <summary>As it came; goes back in a Hello.</summary>
    public Protocol.V1.Plan Message { get; }

    public Generation Generation { get; }

    /// <summary>Null for a planned change: it takes effect after the first step in which all contributors held it.</summary>
    public long? FirstStep => Message.HasFirstStep ? (long)Message.FirstStep : null;

    public int Slots => (int)Message.Slots;

    /// <summary>By rank.</summary>
    public IReadOnlyList<PlanMember> Members { get; }

    /// <summary>This worker's rank; -1 when it has no part in the plan.</summary>
    public int Rank { get; }

    public bool IsMember => Rank >= 0;

    public PlanMember Self => Members[Rank];

    public bool IsWriter => IsMember && Rank == (int)Message.Writer;

    /// <summary>Ranks of members that hold the state the plan begins with.</summary>
    public IReadOnlyList<int> Sources { get; }

    /// <summary>Whether some member copies the state before it takes part.</summary>
    public bool SomeCopy => Members.Any(member => member.CopiesState);

    public string Reason => Message.Reason;

    /// <summary>Whether another member says that it is on this one's host. Whether they share memory there is still to be seen.</summary>
    public bool SharesHost(int rank) => rank != Rank && Self.BootId.Length > 0 && Members[rank].BootId == Self.BootId;

    /// <exception cref="InvalidDataException">The message is no plan: the sentence says why.</exception>
    public static MemberPlan Read(Protocol.V1.Plan message, string workerId)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (message.Generation is not { } generation) throw new InvalidDataException("The plan has no generation.");
        if (message.Slots is 0 or > 1 << 20) throw new InvalidDataException($"The plan has {message.Slots} slots.");
        if (message.FirstStep > long.MaxValue) throw new InvalidDataException($"The plan begins with step {message.FirstStep}.");
        var members = message.Members.Select(Member).ToList();
        if (members.Select(member => member.WorkerId).Distinct().Count() != members.Count) throw new InvalidDataException("The plan names a worker twice.");
        var next = 0;
        foreach (var slots in members.Select(member => member.Slots).Where(slots => !slots.IsEmpty).OrderBy(slots => slots.Start))
        {
            if (slots.Start != next) throw new InvalidDataException($"Slot {Math.Min(next, slots.Start)} is not dealt exactly once.");
            next = slots.End;
        }
        if (next != message.Slots) throw new InvalidDataException($"The plan deals {next} slots of {message.Slots}.");
        if (message.Writer >= members.Count || message.Sources.Any(source => source >= members.Count))
        {
            throw new InvalidDataException("The plan's writer or a source is no member.");
        }
        return new(message, new(generation.Term, generation.Number), members, members.FindIndex(member => member.WorkerId == workerId));

        PlanMember Member(Protocol.V1.Member member)
        {
            if (member.FirstSlot > message.Slots || member.Slots > message.Slots) throw new InvalidDataException($"The slots of {member.WorkerId} are beyond the last one.");
            if (!TransportAddress.TryParse(member.Endpoint, out var endpoint))
            {
                throw new InvalidDataException($"The endpoint of {member.WorkerId} is no address: \"{member.Endpoint}\".");
            }
            var slots = member.Slots == 0 ? default : new SlotRange((int)member.FirstSlot, (int)(member.FirstSlot + member.Slots));
            return new PlanMember(member.WorkerId, endpoint, slots, member.CopiesState, member.BootId);
        }
    }

    /// <summary>What the exchange needs of it; only for a member.</summary>
    public PlanView ToView(Func<long, int, bool> isEmpty) => new()
    {
        Generation = Generation,
        Rank = Rank,
        Members = [.. Members.Select(member => member.Slots)],
        IsEmpty = isEmpty,
    };

    public override string ToString() => $"{Generation} of {Members.Count} members";
}

/// <summary>A member, at its rank.</summary>
/// <param name="WorkerId">Who.</param>
/// <param name="Endpoint">Where it is reached.</param>
/// <param name="Slots">Empty for a spare.</param>
/// <param name="CopiesState">It copies the state before it takes part.</param>
/// <param name="BootId">Equal for members of one host.</param>
public sealed record PlanMember(string WorkerId, TransportAddress Endpoint, SlotRange Slots, bool CopiesState, string BootId)
{
    public bool IsSpare => Slots.IsEmpty;
}
