using System.Globalization;

namespace VaeCluster.Tests;

/// <summary>What a user can get wrong: each one a sentence, exit code 2, and nothing half written.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly RunSandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Theory]
    [InlineData("model: {preset: mnits}\ntrain: {steps: 3}", "bad.yaml:1: model.preset = mnits: unknown preset; did you mean mnist?")]
    [InlineData("model: {preset: mnist}\ntrain: {steps: 3}\nobjectve: {}", "bad.yaml:3: objectve: unknown key; did you mean objective?")]
    [InlineData("model: {preset: mnist}\ntrain: {stpes: 3}", "bad.yaml:2: train.stpes: unknown key; did you mean train.steps?")]
    [InlineData("model: {preset: mnist}\noptimizer: {lr: fast}", "bad.yaml:2: optimizer.lr = fast: must be a number")]
    [InlineData("model: {preset: mnist}\nobjective: {recon: bse}", "bad.yaml:2: objective.recon = bse: must be one of squared, l1, bce; did you mean bce?")]
    [InlineData("model: {preset: tiny}\ndata: {size: 33}", "bad.yaml:2: model.image_size = 33: ")]
    [InlineData("model: {preset: mnist}\ndata: {size: 30}", "bad.yaml:2: model.image_size = 30: ")]
    [InlineData("model: {preset: tiny, image_size: 32}\ndata: {size: 64}", "64 is not model.image_size, 32: give one of them")]
    [InlineData("model: {preset: mnist}\ntrain: {batch: 4, slots: 8}", "a step of 4 samples is too small for 8 slots")]
    [InlineData("model: {preset: mnist}\ndata: {source: \"shapes:?count=5&size=28\"}\ntrain: {batch: 8, slots: 8}", "slots")]
    [InlineData("model: {preset: mnist}\ndata: {source: \"folder:/no/such/place\"}", "/no/such/place")]
    [InlineData("model: {preset: mnist}\ndata: {source: \"floder:/tmp\"}", "bad.yaml:2: data.source = floder:/tmp: ")]
    [InlineData("model: [", "not valid YAML")]
    public void Train_BadConfig_IsNamed(string yaml, string expected)
    {
        _sandbox.Train(_sandbox.Write("bad.yaml", yaml)).AssertUserError(expected);
        _sandbox.AssertNoRun();
    }

    [Fact]
    public void Train_ManyMistakes_AllAtOnce()
    {
        var config = _sandbox.Write("bad.yaml", "model: {preset: mnist}\ntrain:\n  batch: 0\n  seeed: 1\noptimizer: {lr: .nan}\n");
        var run = _sandbox.TrainWith(new() { ["VAECLUSTER__TRAIN__SLOTS"] = "none" }, config, "--set", "objective.beta=-1", "--steps", "0");
        run.AssertUserError("bad.yaml:3: train.batch = 0", "bad.yaml:4: train.seeed: unknown key; did you mean train.seed?", "bad.yaml:5: optimizer.lr = .nan: must be a finite number",
            "VAECLUSTER__TRAIN__SLOTS: train.slots = none: must be a whole number", "--set objective.beta=-1: objective.beta = -1", "--steps: train.steps = 0: must be at least 1");
        Assert.Equal(6, run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        _sandbox.AssertNoRun();
    }

    [Fact]
    public void Train_NoSuchConfig_IsNamed()
    {
        _sandbox.Train(_sandbox.In("missing.yaml")).AssertUserError("missing.yaml: the configuration can't be read");
        _sandbox.AssertNoRun();
    }

    [Fact]
    public void Train_FolderOfSomethingElse_IsLeftAlone()
    {
        Directory.CreateDirectory(_sandbox.Run);
        File.WriteAllText(Path.Combine(_sandbox.Run, "thesis.tex"), "precious");
        _sandbox.Train(_sandbox.SmallConfig()).AssertUserError("is not empty and holds no run (found thesis.tex)", "--run");
        Assert.Equal(["thesis.tex"], Directory.EnumerateFileSystemEntries(_sandbox.Run).Select(Path.GetFileName));
    }

    [Fact]
    public void Inspect_NoRun_IsNamed()
    {
        ProgramRun.Of("inspect", _sandbox.In("nowhere")).AssertUserError("there is no such folder");
        ProgramRun.Of("inspect", _sandbox.Root).AssertUserError("holds no run");
    }

    [Theory]
    [InlineData(0, "leaves nothing")] // for the configuration
    [InlineData(256, "keeps what it has")] // kilobytes: for the series of steps, not for the weights
    public void Train_DiskFull_IsASentence(int kilobytes, string what)
    {
        if (ProgramRun.Shell("unshare -rm mount -t tmpfs -o size=64k tmpfs /mnt").ExitCode != 0)
            Assert.Skip("no file system can be mounted here to fill up");
        var disk = Directory.CreateDirectory(_sandbox.In("disk")).FullName;
        // A file system of its own, seen by this shell alone and gone with it.
        var run = RunSandbox.Shell($$"""
            unshare -rm bash -c '
              mount -t tmpfs -o size={{kilobytes + 4}}k tmpfs {{disk}}
              [ {{kilobytes}} -gt 0 ] || head -c 4096 /dev/zero > {{disk}}/full
              "$VAECLUSTER_PROGRAM" train --config {{_sandbox.SmallConfig()}} --run {{disk}}/run > /dev/null
              code=$?
              ls -A {{disk}} {{disk}}/run 2>/dev/null
              exit $code'
            """);
        run.AssertUserError("No space left on device", "Make room there");
        Assert.DoesNotContain(".tmp", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("weights.safetensors", run.Output, StringComparison.Ordinal);
        Assert.True(run.Output.Contains("metrics.csv", StringComparison.Ordinal) == kilobytes > 0, what);
    }

    [Theory]
    [InlineData("worker --coordinator http://127.0.0.1:1", "VAECLUSTER_WORKER__LISTEN", "{0}\" is no address", "{0}\" is no address")]
    [InlineData("coordinator", "VAECLUSTER_COORDINATOR__LISTEN", "VAECLUSTER_COORDINATOR__LISTEN: listen = {0}", "--listen: listen = {0}")]
    public void Listen_GivenTwice_TheCommandLineCounts_OverTheEnvironment(string command, string variable, string ofEnvironment, string ofOption)
    {
        if (command == "coordinator") command += $" --metrics http://127.0.0.1:0 --config {_sandbox.SmallConfig()} --run {_sandbox.Run}";

        Run("").AssertUserError(string.Format(CultureInfo.InvariantCulture, ofEnvironment, "first"));
        Run("--option listen=second --listen third").AssertUserError(string.Format(CultureInfo.InvariantCulture, ofOption, "third"));

        ProgramRun Run(string more) => RunSandbox.Shell($"{variable}=first \"$VAECLUSTER_PROGRAM\" {command} {more}");
    }

    [Theory]
    [InlineData("libvaecluster_torchsharp.so", null, "libvaecluster_torchsharp.so")]
    [InlineData("libvaecluster_torchsharp.so", "not a library", "libvaecluster_torchsharp.so: file too short")]
    [InlineData("libvaecluster_data.so", null, "vaecluster_data")]
    [InlineData("libvaecluster_data.so", "not a library", "libvaecluster_data.so: file too short")]
    public void Train_NativeLibraryMissingOrBroken_IsASentence(string library, string? content, string expected)
    {
        // The program beside links to its files, but for one.
        var bin = Directory.CreateDirectory(_sandbox.In("bin")).FullName;
        foreach (var file in Directory.EnumerateFiles(ProgramRun.BinFolder))
        {
            var name = Path.GetFileName(file);
            if (name == library) continue;
            if (Path.GetExtension(name) is ".so") File.CreateSymbolicLink(Path.Combine(bin, name), file);
            else File.Copy(file, Path.Combine(bin, name));
        }
        if (content is not null) File.WriteAllText(Path.Combine(bin, library), content);

        ProgramRun.Start(Path.Combine(bin, "vaecluster"), ["train", "--config", _sandbox.SmallConfig(), "--run", _sandbox.Run])
            .AssertUserError(expected, "make build");
        _sandbox.AssertNoRun();
    }

    [Fact]
    public void Train_LibtorchOfAnotherVersion_IsASentence()
    {
        // One with the name that the program asks for, and none of the functions.
        var folder = Directory.CreateDirectory(_sandbox.In("libtorch")).FullName;
        var library = Path.Combine(ProgramRun.BinFolder, "libvaecluster_torchsharp.so");
        RunSandbox.Shell($"name=$(ldd {library} | grep -o 'libc10[^ ]*' | head -n 1) && g++ -shared -x c++ /dev/null -Wl,-soname,$name -o {folder}/$name").AssertSuccess();

        RunSandbox.Shell($"LD_LIBRARY_PATH={folder} \"$VAECLUSTER_PROGRAM\" train --config {_sandbox.SmallConfig()} --run {_sandbox.Run}")
            .AssertUserError("A native library can't be loaded", ": undefined symbol: ", "make build");
        _sandbox.AssertNoRun();
    }
}
