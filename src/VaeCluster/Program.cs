using VaeCluster;
using VaeCluster.Commands;
using VaeCluster.Protocol.Transport;

SocketCompletions.RunInline();
return Failures.ToExitCode(() => Root.Run(args), Console.Error);
