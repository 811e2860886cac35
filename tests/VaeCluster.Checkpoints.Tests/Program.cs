using VaeCluster.Checkpoints.Tests.Crashes;

namespace VaeCluster.Checkpoints.Tests;

internal static class Program
{
    public static async Task<int> Main(string[] args) =>
        SavingProcess.Knows(args) ? await SavingProcess.RunAsync(args) : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
}
