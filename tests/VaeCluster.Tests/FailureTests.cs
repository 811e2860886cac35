namespace VaeCluster.Tests;

/// <summary>From an exception to an exit code.</summary>
public sealed class FailureTests
{
    public static TheoryData<string, Exception, int, string> Cases => new()
    {
        { "user", new UserErrorException(["a: wrong", "b: wrong too"]), 2, "a: wrong\nb: wrong too\n" },
        { "wrapped", new TypeInitializationException("T", new AggregateException(new UserErrorException("no libtorch"))), 2, "no libtorch\n" },
        { "interrupted", new TaskCanceledException(), 130, "" },
        { "disk", new IOException("No space left on device : '/runs/a'", 28), 2, "No space left on device : '/runs/a'. Make room there" },
        { "sample", new VaeCluster.Data.SampleReadException("/a.png", "/a.png could not be read."), 2, "/a.png could not be read. Make the file readable" },
        { "other I/O", new IOException("odd"), 1, "System.IO.IOException: odd" },
        { "bug", new InvalidOperationException("bug"), 1, "System.InvalidOperationException: bug" },
        { "old library", new EntryPointNotFoundException("no 'vct_step' in 'x'."), 2, "A native library is of another version than the program: no 'vct_step' in 'x'. `make build`" },
        {
            "missing dependency",
            new DllNotFoundException("Unable to load shared library 'vaecluster_torchsharp' or one of its dependencies.\nlibtorch_cpu.so: cannot open shared object file: No such file or directory\n/a/vaecluster_torchsharp.so: cannot open shared object file: No such file or directory\n"),
            2, "A native library can't be loaded: libtorch_cpu.so: cannot open shared object file: No such file or directory. `make build`"
        },
        {
            "missing library",
            new DllNotFoundException("Unable to load shared library 'vaecluster_torchsharp' or one of its dependencies. In order to help...\n/a/libvaecluster_torchsharp.so: cannot open shared object file: No such file or directory\nlibvaecluster_torchsharp.so: cannot open shared object file: No such file or directory\n"),
            2, "A native library can't be loaded: Unable to load shared library 'vaecluster_torchsharp' or one of its dependencies. `make build`"
        },
        {
            "broken library",
            new DllNotFoundException("Unable to load shared library 'vaecluster_torchsharp' or one of its dependencies.\n/a/libvaecluster_torchsharp.so: invalid ELF header\nlibvaecluster_torchsharp.so: cannot open shared object file: No such file or directory\n"),
            2, "A native library can't be loaded: /a/libvaecluster_torchsharp.so: invalid ELF header. `make build`"
        },
        {
            "in other words",
            new DllNotFoundException("Install libtorch. The loader said: Unable to load",
                new DllNotFoundException("Unable to load shared library '/a/libx.so' or one of its dependencies. In order to help...:\nlibc10.so: file too short\n")),
            2, "A native library can't be loaded: libc10.so: file too short. `make build`"
        },
    };

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void ToExitCode_Exception_IsMapped(string what, Exception exception, int code, string text)
    {
        var errors = new StringWriter();
        Assert.True(Failures.ToExitCode(() => throw exception, errors) == code, what);
        Assert.StartsWith(text, errors.ToString(), StringComparison.Ordinal);
    }
}
