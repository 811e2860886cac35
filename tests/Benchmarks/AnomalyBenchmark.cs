using System.Globalization;
using VaeCluster.Tests;

namespace Benchmarks;

/// <summary>
/// MNIST with one digit left out of the training, for each of the ten: AUROC of that digit among 2,000 test images, by each score of
/// `vaecluster score`. The mean over the digits of the best score shall reach 0.70.
/// </summary>
internal static class AnomalyBenchmark
{
    private const int Epochs = 2, Scored = 2000, Draws = 16;

    public static Task RunAsync()
    {
        if (TestData.Find("mnist") is not { } mnist)
        {
            Console.WriteLine("MNIST is not here; set VAECLUSTER_TEST_DATA to a folder with mnist/.");
            return Task.CompletedTask;
        }
        var all = new List<IReadOnlyDictionary<string, double>>();
        for (var digit = 0; digit < 10; digit++)
        {
            var folder = Directory.CreateTempSubdirectory("vaecluster-anomalies-").FullName;
            try
            {
                all.Add(DigitLeftOut.Measure(mnist, folder, digit, training: int.MaxValue, Epochs, Scored, Draws));
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
            if (digit == 0) Console.WriteLine($"| digit | {string.Join(" | ", all[0].Keys)} |");
            Console.WriteLine($"| {digit} | {string.Join(" | ", all[^1].Values.Select(Text))} |");
        }
        var means = all[0].Keys.ToDictionary(name => name, name => all.Average(one => one[name]));
        Console.WriteLine($"| mean | {string.Join(" | ", means.Values.Select(Text))} |");
        var best = means.MaxBy(mean => mean.Value);
        Console.WriteLine($"best on average: {best.Key}, {Text(best.Value)} (wanted: 0.70)");
        return Task.CompletedTask;

        static string Text(double value) => value.ToString("F3", CultureInfo.InvariantCulture);
    }
}
