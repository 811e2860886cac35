namespace VaeCluster.Protocol.Transport;

/// <summary>A setting of the runtime's sockets that has to be made before the process opens its first one.</summary>
public static class SocketCompletions
{
    private const string Variable = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>
    /// Lets what waits for a socket run on the thread that polls it, which saves a switch of threads per message and
    /// 10 to 15 % of the time. Call it first in Main. A value that the user set stays.
    /// </summary>
    public static void RunInline()
    {
        if (Environment.GetEnvironmentVariable(Variable) is null) Environment.SetEnvironmentVariable(Variable, "1");
    }
}
