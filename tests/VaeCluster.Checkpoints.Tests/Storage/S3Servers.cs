using System.Collections.Concurrent;
using VaeCluster.Checkpoints.Tests.Storage;

[assembly: AssemblyFixture(typeof(S3Servers))]

namespace VaeCluster.Checkpoints.Tests.Storage;

/// <summary>One server per kind, started when the first test asks for it, for all tests.</summary>
public sealed class S3Servers : IAsyncDisposable
{
    private static readonly ConcurrentDictionary<string, Lazy<Task<S3Server>>> Running = [];

    internal static Task<S3Server> GetAsync(string conditions) =>
        Running.GetOrAdd(conditions, kind => new Lazy<Task<S3Server>>(() => S3Server.StartAsync(kind))).Value;

    public async ValueTask DisposeAsync()
    {
        foreach (var server in Running.Values) (await server.Value).Dispose();
    }
}
