using System.Diagnostics;

namespace VaeCluster.Data.Tests;

/// <summary>A test of this assembly in a process of its own: to be killed, or to run under another environment.</summary>
internal static class ChildProcess
{
    public const string Folder = "VAECLUSTER_TEST_CHILD_FOLDER";

    /// <summary>Starts an explicit test; the folder is where the two meet.</summary>
    public static Process Start(Type type, string method, string folder, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["-noLogo", "-explicit", "only", "-method", $"{type.FullName}.{method}"])
        {
            RedirectStandardOutput = true,
        };
        start.Environment[Folder] = folder;
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>The folder, in the child.</summary>
    public static string MeetingPlace()
    {
        var folder = Environment.GetEnvironmentVariable(Folder);
        Assert.SkipWhen(folder is null, "only for the test that starts it in a process of its own");
        return folder!;
    }
}
