namespace VaeCluster.Tests;

public sealed class CommandLineTests
{
    [Fact]
    public void Help_Program_NamesCommandsAndExamples()
    {
        var run = ProgramRun.Of("--help").AssertSuccess();
        foreach (var expected in new[] { "train", "inspect", "presets", "completion", "Examples:", "vaecluster train --run" })
            Assert.Contains(expected, run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("train", "--set train.")]
    [InlineData("inspect", "vaecluster inspect runs/")]
    [InlineData("presets", "vaecluster presets")]
    [InlineData("profile", "vaecluster profile --config")]
    [InlineData("completion", "vaecluster completion bash")]
    public void Help_Command_HasExamples(string command, string example)
    {
        var run = ProgramRun.Of(command, "--help").AssertSuccess();
        Assert.Contains(example, run.Output[run.Output.IndexOf("Examples:", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public void Version_Program_IsANumber() => Assert.Matches(@"^\d+\.\d+\.\d+", ProgramRun.Of("--version").AssertSuccess().Output);

    [Theory]
    [InlineData("trian", "'trian'")]
    [InlineData("train --runn x", "--run")]
    [InlineData("train", "--run")]
    [InlineData("train --run x --steps many", "many")]
    [InlineData("completion tcsh", "tcsh")]
    [InlineData("inspect", "inspect")]
    [InlineData("profile --seconds 0", "--seconds 0")]
    [InlineData("", "command")]
    public void Parse_WrongUse_ExitsWithTwo(string line, string named) =>
        ProgramRun.Of(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).AssertUserError(named);

    [Theory]
    [InlineData("vaecluster tr", "train")]
    [InlineData("vaecluster train --s", "--steps")]
    [InlineData("vaecluster completion ", "fish")]
    [InlineData("vaecluster train --run x --set train.see", "train.seed=")]
    public void Suggest_Line_Completes(string line, string expected) =>
        Assert.Contains(expected, ProgramRun.Of($"[suggest:{line.Length}]", line).AssertSuccess().Output.Split('\n').Select(word => word.Trim()));

    [Fact]
    public void Completion_Bash_CompletesInBash()
    {
        var run = ProgramRun.Shell("""
            PATH="$(dirname "$VAECLUSTER_PROGRAM"):$PATH"
            source <(vaecluster completion bash)
            COMP_LINE='vaecluster insp' COMP_POINT=15 COMP_CWORD=1 COMP_WORDS=(vaecluster insp)
            _vaecluster 2>/dev/null
            echo "${COMPREPLY[@]}"
            """).AssertSuccess();
        Assert.Equal("inspect", run.Output.Trim());
    }

    [Theory]
    [InlineData("zsh", "#compdef vaecluster")]
    [InlineData("fish", "complete -c vaecluster")]
    public void Completion_OtherShells_AskTheProgram(string shell, string expected)
    {
        var script = ProgramRun.Of("completion", shell).AssertSuccess().Output;
        Assert.Contains(expected, script, StringComparison.Ordinal);
        Assert.Contains("[suggest:", script, StringComparison.Ordinal);
    }

    [Fact]
    public void Presets_Program_ListsParametersAndFlops()
    {
        var run = ProgramRun.Of("presets").AssertSuccess();
        foreach (var expected in new[] { "mnist", "715,537", "conv64", "3,937,635", "sd-small", "tiny", "83,653,863" })
            Assert.Contains(expected, run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', run.Output);
    }
}
