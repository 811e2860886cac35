using System.Reflection;
using VaeCluster.Config.Runs;
using VaeCluster.Data;

namespace VaeCluster;

/// <summary>
/// The one place where an exception becomes an exit code: what the user can mend is a sentence and 2, an interruption is
/// 130, all else is a bug with its stack trace and 1.
/// </summary>
internal static class Failures
{
    public static int ToExitCode(Func<int> run, TextWriter errors)
    {
        try
        {
            return run();
        }
        catch (Exception e)
        {
            return Report(Unwrap(e), errors);
        }
    }

    private static int Report(Exception e, TextWriter errors)
    {
        switch (e)
        {
            case UserErrorException:
                errors.WriteLine(e.Message);
                return ExitCodes.UserError;
            case OperationCanceledException:
                return ExitCodes.Interrupted;
            case SampleReadException:
                errors.WriteLine($"{e.Message.TrimEnd('.')}. Make the file readable as it was listed, and start again: no step was done without it.");
                return ExitCodes.UserError;
            case IOException when DiskFull.Is(e):
                errors.WriteLine($"{e.Message.TrimEnd('.')}. Make room there, or name a folder on another disk, and start again.");
                return ExitCodes.UserError;
            case DllNotFoundException or BadImageFormatException or EntryPointNotFoundException:
                errors.WriteLine(NativeLibrary(e));
                return ExitCodes.UserError;
            default:
                errors.WriteLine(e);
                return ExitCodes.Bug;
        }
    }

    private static Exception Unwrap(Exception e) => e switch
    {
        TypeInitializationException or TargetInvocationException when e.InnerException is not null => Unwrap(e.InnerException),
        AggregateException { InnerExceptions.Count: 1 } => Unwrap(e.InnerException!),
        _ => e,
    };

    private static string NativeLibrary(Exception e)
    {
        const string remedy = "`make build` in the repository installs what is missing and builds the native libraries anew.";
        if (e is EntryPointNotFoundException)
            return $"A native library is of another version than the program: {e.Message.TrimEnd('.')}. {remedy}";
        // .NET lists each path it tried. What the loader missed on the way is the cause; that a path is not there is not. Where
        // somebody put words of his own around the loader's, the loader's are inside.
        var loader = e.InnerException is DllNotFoundException or BadImageFormatException ? e.InnerException : e;
        var lines = loader.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var cause = lines.FirstOrDefault(line => line.Contains(": ", StringComparison.Ordinal) && !MissesItself(line)) ?? lines[0].Split(". ")[0];
        return $"A native library can't be loaded: {cause.TrimEnd('.')}. {remedy}";
    }

    // "/a/libx.so: cannot open shared object file" speaks of the path that was tried, "libtorch.so: cannot open ..." of a
    // library that libx.so needs.
    private static bool MissesItself(string line) =>
        line.StartsWith("Unable to load", StringComparison.Ordinal)
        || (line.Contains("cannot open shared object file", StringComparison.Ordinal) && (line.StartsWith('/') || line.Contains("vaecluster_", StringComparison.Ordinal)));
}
