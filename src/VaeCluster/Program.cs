using VaeCluster;
using VaeCluster.Commands;

return Failures.ToExitCode(() => Root.Run(args), Console.Error);
