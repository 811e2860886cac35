using System.CommandLine;

namespace VaeCluster.Commands;

/// <summary>Shell completion: a script that asks the program itself, by its [suggest] directive.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        # vaecluster completion bash > /etc/bash_completion.d/vaecluster
        _vaecluster() {
          local IFS=$'\n' word="${COMP_WORDS[COMP_CWORD]}"
          COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "$word"))
          # A key of --set waits for its value.
          [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
        }
        complete -o default -F _vaecluster vaecluster
        """;

    private const string Zsh = """
        #compdef vaecluster
        # vaecluster completion zsh > "${fpath[1]}/_vaecluster"
        _vaecluster() {
          local -a suggestions
          suggestions=("${(@f)$("${words[1]}" "[suggest:${#BUFFER[1,CURSOR]}]" "${BUFFER[1,CURSOR]}" 2>/dev/null)}")
          suggestions=("${(@)suggestions:#}")
          (( ${#suggestions} )) && compadd -- "${suggestions[@]}" || _files
        }
        if [ "$funcstack[1]" = "_vaecluster" ]; then _vaecluster "$@"; else compdef _vaecluster vaecluster; fi
        """;

    private const string Fish = """
        # vaecluster completion fish > ~/.config/fish/completions/vaecluster.fish
        function __vaecluster_suggest
          set -l line (commandline -cp)
          (commandline -opc)[1] "[suggest:"(string length -- $line)"]" "$line" 2>/dev/null
        end
        complete -c vaecluster -a '(__vaecluster_suggest)'
        """;

    public static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new ExampleCommand("completion", "Print the script that completes commands, options and keys in a shell.",
            ("source <(vaecluster completion bash)", "complete in this shell, until it ends"))
        {
            shell,
        };
        command.SetAction(parsed => parsed.InvocationConfiguration.Output.WriteLine(parsed.GetRequiredValue(shell) switch
        {
            "bash" => Bash,
            "zsh" => Zsh,
            _ => Fish,
        }));
        return command;
    }
}
