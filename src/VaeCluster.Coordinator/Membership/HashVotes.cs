using System.Collections.Immutable;

namespace VaeCluster.Coordinator.Membership;

/// <summary>
/// What members say their state's hash is after a step. A majority is right. Without one all go back to a checkpoint and
/// replay; what they say then counts together with what they said before, and in a tie the higher rank goes.
/// </summary>
/// <param name="CompletedSteps">The state that is voted on.</param>
/// <param name="Now">Hash by worker, in this round.</param>
/// <param name="Before">Number of votes for each hash in earlier rounds on the same state.</param>
public sealed record HashVotes(
    ulong CompletedSteps, ImmutableSortedDictionary<string, string> Now, ImmutableDictionary<string, int> Before)
{
    public static readonly HashVotes None = new(0, Empty, ImmutableDictionary<string, int>.Empty);

    private static ImmutableSortedDictionary<string, string> Empty => ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary>Votes on an older state come too late; a newer state starts anew.</summary>
    public HashVotes Add(string worker, ulong completedSteps, string hash)
    {
        if (completedSteps == CompletedSteps) return this with { Now = Now.SetItem(worker, hash) };
        // Late, or on the way back to the disputed state.
        if (completedSteps < CompletedSteps) return this;
        return new(completedSteps, Empty.Add(worker, hash), ImmutableDictionary<string, int>.Empty);
    }

    /// <summary>All go back: this round's votes are kept beside those of the next.</summary>
    public HashVotes NextRound()
    {
        var before = Now.Values.Aggregate(Before, (counts, hash) => counts.SetItem(hash, counts.GetValueOrDefault(hash) + 1));
        return this with { Now = Empty, Before = before };
    }

    /// <summary>What the votes of the members, in rank order, come to.</summary>
    public HashVerdict Judge(IReadOnlyList<string> members)
    {
        ArgumentNullException.ThrowIfNull(members);
        var voters = members.Where(Now.ContainsKey).ToList();
        var counts = voters.GroupBy(worker => Now[worker]).ToDictionary(group => group.Key, group => group.Count());
        if (counts.Count <= 1) return HashVerdict.Agreed;

        var (top, votes) = counts.MaxBy(entry => entry.Value);
        // Those who have not voted yet might outvote it.
        if (2 * votes > members.Count) return Differ(top, $"{votes} of {members.Count} members agree on");
        if (voters.Count < members.Count) return HashVerdict.Agreed;
        if (Before.IsEmpty) return new([], NoMajority: true, $"There is no majority for a state after {CompletedSteps} steps.");

        // Second round: together with the first; in a tie whoever stands with the lowest rank.
        top = counts.Keys.OrderByDescending(hash => counts[hash] + Before.GetValueOrDefault(hash))
            .ThenBy(hash => voters.FindIndex(worker => Now[worker] == hash)).First();
        return Differ(top, "After a replay most votes are for");

        HashVerdict Differ(string right, string how)
        {
            var wrong = voters.Where(worker => Now[worker] != right).ToImmutableArray();
            return wrong.IsEmpty
                ? HashVerdict.Agreed
                : new(wrong, NoMajority: false, $"{how} state {right[..8]} after {CompletedSteps} steps, not on what {string.Join(", ", wrong)} holds.");
        }
    }
}

/// <param name="Wrong">Members that hold another state than the right one.</param>
/// <param name="NoMajority">Nobody knows which is right.</param>
/// <param name="Reason">As a sentence.</param>
public sealed record HashVerdict(ImmutableArray<string> Wrong, bool NoMajority, string Reason)
{
    public static readonly HashVerdict Agreed = new([], false, "");
}
