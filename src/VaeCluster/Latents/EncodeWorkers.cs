using VaeCluster.Applications.Latents;
using VaeCluster.Cluster;

namespace VaeCluster.Latents;

/// <summary>Processes of this program that each compute a share of an encoding. They end with this one, whatever ends it.</summary>
internal static class EncodeWorkers
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

    /// <summary>The same command line as this process', with a share each; waits for all of them.</summary>
    /// <exception cref="UserErrorException">One of them failed: with what it said.</exception>
    public static void Run(EncodeJob job, int workers, IProgress<long> progress, CancellationToken cancellation)
    {
        var arguments = Environment.GetCommandLineArgs().Skip(1).ToList();
        Remove(arguments, "--workers");
        if (!arguments.Exists(argument => argument.StartsWith("--threads", StringComparison.Ordinal)))
            arguments.AddRange(["--threads", $"{Math.Max(1, Environment.ProcessorCount / workers)}"]);
        var children = new List<ChildProcess>();
        try
        {
            for (var i = 1; i <= workers; i++)
            {
                children.Add(ChildProcess.Start($"encoder {i}", Path.Combine(job.PartsFolder, "logs", $"encoder-{i}.log"),
                    [.. arguments, "--share", $"{i}/{workers}", "--attached"]));
            }
            while (children.Exists(child => !child.HasExited))
            {
                cancellation.WaitHandle.WaitOne(LookEvery);
                cancellation.ThrowIfCancellationRequested();
                ThrowIfFailed(children);
                progress.Report(job.Done);
            }
            ThrowIfFailed(children);
        }
        finally
        {
            foreach (var child in children) child.Dispose();
        }
    }

    private static void ThrowIfFailed(List<ChildProcess> children)
    {
        if (children.Find(child => child.HasExited && child.ExitCode != 0) is not { } failed) return;
        failed.WaitAsync(TimeSpan.FromSeconds(1)).GetAwaiter().GetResult();
        throw new UserErrorException($"{failed.Name} ended with code {failed.ExitCode}:\n{string.Join('\n', failed.LastLines)}\nThe same command goes on where they stopped.");
    }

    private static void Remove(List<string> arguments, string option)
    {
        var at = arguments.FindIndex(argument => argument == option || argument.StartsWith(option + "=", StringComparison.Ordinal) || argument.StartsWith(option + ":", StringComparison.Ordinal));
        if (at < 0) return;
        arguments.RemoveRange(at, arguments[at] == option ? 2 : 1);
    }
}
