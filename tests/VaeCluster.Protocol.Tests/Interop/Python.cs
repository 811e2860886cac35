using System.Diagnostics;
using System.Text;

namespace VaeCluster.Protocol.Tests.Interop;

/// <summary>
/// Debian's Python with its gRPC (python3-grpcio, python3-grpc-tools), and the stubs that its compiler makes of our protos,
/// made once for all tests.
/// </summary>
public sealed class Python : IDisposable
{
    private const string Interpreter = "/usr/bin/python3";

    private readonly TemporaryFolder stubs = new();

    public Python()
    {
        var root = Repository.Root;
        string[] protos = ["protos/grpc/health/v1/health.proto", "protos/vaecluster/v1/collective.proto", Scripts + "/interop.proto"];
        // Flat includes: a package named grpc would hide the library of that name.
        var includes = protos.Select(proto => "-I" + Path.GetDirectoryName(Path.Combine(root, proto)));
        using var compiler = new PythonProcess(
            Start(["-m", "grpc_tools.protoc", .. includes, "--python_out=.", "--grpc_python_out=.", .. protos.Select(proto => Path.Combine(root, proto))]),
            "the stubs for Python");
        compiler.FinishAsync().GetAwaiter().GetResult();
    }

    private static string Scripts => "tests/VaeCluster.Protocol.Tests/Interop";

    internal PythonProcess Run(string script, params IEnumerable<string> arguments) =>
        new(Start([Path.Combine(Repository.Root, Scripts, script), .. arguments]), script);

    public void Dispose() => stubs.Dispose();

    private Process Start(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Interpreter, arguments)
        {
            WorkingDirectory = stubs.Path,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        start.Environment["PYTHONPATH"] = stubs.Path;
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        return Process.Start(start)!;
    }
}

/// <summary>One run of a script; killed if the test ends before it.</summary>
internal sealed class PythonProcess : IDisposable
{
    private readonly Process process;
    private readonly string name;
    private readonly Task<string> errors;

    public PythonProcess(Process process, string name)
    {
        this.process = process;
        this.name = name;
        errors = process.StandardError.ReadToEndAsync();
    }

    public async Task<string> ReadLineAsync() =>
        await Deadline.For(process.StandardOutput.ReadLineAsync(), $"a line of {name}")
        ?? throw new InvalidOperationException($"{name} ended early: {await errors}");

    /// <summary>Ends the script's input and waits for its end, which has to be a good one.</summary>
    public async Task FinishAsync()
    {
        process.StandardInput.Close();
        await Deadline.For(process.WaitForExitAsync(), $"the end of {name}");
        Assert.True(process.ExitCode == 0, $"{name} exited with {process.ExitCode}: {await errors}");
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill();
        process.Dispose();
    }
}
