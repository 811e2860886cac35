using VaeCluster.Data.Order;

namespace VaeCluster.Data.Tests.Order;

public sealed class SampleOrderTests
{
    [Fact]
    public void Indexer_EveryCountTo10000_IsAPermutation()
    {
        Parallel.For(1, 10_001, () => new int[10_001], (n, _, seen) =>
        {
            var order = new SampleOrder((ulong)n * 31, n % 7, n);
            for (var i = 0; i < n; i++)
            {
                var sample = order[i];
                if ((ulong)sample >= (ulong)n || seen[sample] == n) Assert.Fail($"n = {n}: position {i} has sample {sample} again.");
                seen[sample] = n;
            }
            return seen;
        }, _ => { });
    }

    [Theory]
    [InlineData(10_000_000L)]
    [InlineData((1L << 40) + 12345)]
    [InlineData(1L << 60)]
    public void Indexer_LargeCount_StaysInsideAndIsInjectiveWhereSampled(long count)
    {
        var order = new SampleOrder(7, 3, count);
        var seen = new HashSet<long>();
        for (var i = 0L; i < 10_000; i++)
        {
            var position = count / 10_000 * i;
            Assert.InRange(order[position], 0, count - 1);
            Assert.True(seen.Add(order[position]));
        }
    }

    [Fact]
    public void Indexer_AnotherEpochOrSeed_IsAnotherOrder()
    {
        const int n = 1000;
        long[] Of(ulong seed, long epoch)
        {
            var order = new SampleOrder(seed, epoch, n);
            return [.. Enumerable.Range(0, n).Select(i => order[i])];
        }
        var first = Of(1, 0);
        Assert.Equal(first, Of(1, 0));
        foreach (var other in (long[][])[Of(1, 1), Of(2, 0), Of(1, 2)])
        {
            var same = first.Zip(other).Count(pair => pair.First == pair.Second);
            // Two random permutations agree at one place on average, by a Poisson law.
            Assert.InRange(same, 0, 8);
        }
    }

    /// <summary>All permutations of a few samples come equally often: the rounds reach each one, odd ones included.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Indexer_FewSamples_ReachesEveryPermutationEquallyOften(int n)
    {
        var permutations = Enumerable.Range(1, n).Aggregate(1, (product, i) => product * i);
        var draws = permutations * 100;
        var counts = new Dictionary<string, int>();
        for (var epoch = 0; epoch < draws; epoch++)
        {
            var order = new SampleOrder(99, epoch, n);
            var name = string.Concat(Enumerable.Range(0, n).Select(i => order[i]));
            counts[name] = counts.GetValueOrDefault(name) + 1;
        }
        Assert.Equal(permutations, counts.Count);
        AssertChiSquare(counts.Values.Select(count => (double)count), (double)draws / permutations);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(97)]
    [InlineData(1000)]
    public void Indexer_ManyEpochs_PutsEverySampleAnywhereEquallyOften(int n)
    {
        const int cells = 10, epochs = 5000;
        // Where, by tenths of the epoch, three samples and the neighbours of one land.
        foreach (var position in (int[])[0, n / 3, n - 1])
        {
            var counts = new double[cells];
            var neighbours = new double[cells];
            for (var epoch = 0; epoch < epochs; epoch++)
            {
                var order = new SampleOrder(5, epoch, n);
                counts[order[position] * cells / n]++;
                var distance = (order[(position + 1) % n] - order[position] + n) % n;
                neighbours[(distance - 1) * cells / (n - 1)]++;
            }
            AssertChiSquare(counts, Enumerable.Range(0, cells).Select(cell => (double)epochs * Inside(cell, n) / n));
            AssertChiSquare(neighbours, Enumerable.Range(0, cells).Select(cell => (double)epochs * Inside(cell, n - 1) / (n - 1)));
        }

        static int Inside(int cell, int n) => Enumerable.Range(0, n).Count(value => value * cells / n == cell);
    }

    private static void AssertChiSquare(IEnumerable<double> counts, double expected)
    {
        var all = counts.ToList();
        AssertChiSquare(all, Enumerable.Repeat(expected, all.Count));
    }

    // Seeds are fixed, so this holds or not; 4.5 standard deviations tell a bias from chance.
    private static void AssertChiSquare(IEnumerable<double> counts, IEnumerable<double> expected)
    {
        var (sum, freedom) = (0.0, -1);
        foreach (var (count, mean) in counts.Zip(expected))
        {
            if (mean == 0)
            {
                Assert.Equal(0, count);
                continue;
            }
            sum += (count - mean) * (count - mean) / mean;
            freedom++;
        }
        Assert.True(sum < freedom + 4.5 * Math.Sqrt(2 * freedom) + 3, $"chi-square {sum:F1} with {freedom} degrees of freedom");
    }
}
