using System.Runtime.InteropServices;

namespace VaeCluster.Data.Tests.Reading;

/// <summary>
/// Runs a test's part without root's right to read everything, when it is root that runs the tests: Linux lets one thread,
/// and those that it starts, look at files as another user.
/// </summary>
internal static partial class OtherUser
{
    private const uint Nobody = 65534;

    [LibraryImport("libc")]
    private static partial int setfsuid(uint user);

    public static void Run(TemporaryFolder folder, Action part)
    {
        if (Environment.UserName != "root")
        {
            part();
            return;
        }
        File.SetUnixFileMode(folder.Path, (UnixFileMode)Convert.ToInt32("755", 8));
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            // The thread ends with the test's part, and the other identity with it.
            _ = setfsuid(Nobody);
            failure = Record.Exception(part);
        });
        thread.Start();
        Assert.True(thread.Join(TimeSpan.FromMinutes(1)), "the part that runs as another user did not end");
        if (failure is not null) throw new InvalidOperationException("As another user: " + failure.Message, failure);
    }
}
