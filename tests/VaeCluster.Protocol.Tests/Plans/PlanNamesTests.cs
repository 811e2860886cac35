using Google.Protobuf;
using VaeCluster.Protocol.Plans;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Protocol.Tests.Plans;

public sealed class PlanNamesTests
{
    [Fact]
    public void Shorten_ThenComplete_IsThePlanWhateverWasBefore()
    {
        var (first, second) = (Of(1, "a", "b", "c", "d"), Of(2, "d", "x", "b", "y", "a"));
        second.Members[2].Endpoint = "http://elsewhere:1";
        second.Members[3].CopiesState = true;

        var shorter = Sent(PlanNames.Shorten(second, first));

        Assert.Equal(["", "x", "b", "y", ""], shorter.Members.Select(member => member.WorkerId));
        Assert.Equal([3, -1, -1, -1, 0], shorter.Members.Select(member => member.HasEarlierRank ? (int)member.EarlierRank : -1));
        Assert.True(PlanNames.TryComplete(shorter, first, out var complete));
        Assert.Equal(second, complete);
        Assert.Same(second, PlanNames.Shorten(second, null));
        Assert.True(PlanNames.TryComplete(second, null, out complete));
        Assert.Same(second, complete);
    }

    [Fact]
    public void Shorten_ThousandKnownMembers_TakesATenthOfTheBytes()
    {
        var names = Enumerable.Range(0, 1000).Select(i => $"digits-vae-train-worker-{i}").ToArray();
        var (first, second) = (Of(1, names), Of(2, names));

        Assert.InRange(PlanNames.Shorten(second, first).CalculateSize(), 1, second.CalculateSize() / 10);
    }

    [Theory]
    [InlineData(2u)]
    [InlineData(uint.MaxValue)]
    public void TryComplete_MemberThatWasNotThere_IsFalse(uint rank)
    {
        var (first, second) = (Of(1, "a", "b"), Of(2, "a"));
        second.Members.Add(new Member { EarlierRank = rank });

        Assert.False(PlanNames.TryComplete(second, first, out _));
        Assert.False(PlanNames.TryComplete(second, null, out _));
    }

    private static Plan Sent(Plan plan) => Plan.Parser.ParseFrom(plan.ToByteArray());

    private static Plan Of(ulong number, params string[] names)
    {
        var plan = new Plan { Generation = new() { Term = 3, Number = number }, FirstStep = 7, Slots = (uint)names.Length, Reason = "A test.", Writer = 1 };
        plan.Sources.AddRange([0, 1]);
        plan.Members.AddRange(names.Select((name, i) => new Member
        {
            WorkerId = name,
            Endpoint = $"http://{name}.vae-train-workers.ml.svc:5001",
            BootId = "01234567-89ab-cdef-0123-456789abcdef",
            FirstSlot = (uint)i,
            Slots = 1,
        }));
        return plan;
    }
}
