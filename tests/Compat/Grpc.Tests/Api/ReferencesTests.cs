using System.Reflection;
using Grpc.Core;
using Grpc.Net.Compression;

namespace Grpc.Tests.Api;

/// <summary>
/// Each type, method and field that the official binaries and generated stubs take from the contract assemblies is there,
/// with the signature that they were compiled against. A missing one would show only when a call comes past it.
/// </summary>
public sealed class ReferencesTests
{
    [Theory]
    [InlineData("Grpc.Net.Client", 100)]
    [InlineData("Grpc.AspNetCore.Server", 100)]
    // This assembly has stubs of Grpc.Tools for each kind of call.
    [InlineData("Grpc.Tests", 40)]
    public void Reference_ToContractAssembly_Resolves(string assembly, int atLeast)
    {
        string[] contracts = [typeof(Status).Assembly.Location, typeof(GzipCompressionProvider).Assembly.Location];
        using var definitions = new Definitions(contracts);

        var references = References.Of(Assembly.Load(assembly).Location, definitions.AssemblyNames);

        Assert.All(references, reference => Assert.True(definitions.Have(reference), reference.ToString()));
        Assert.True(references.Count >= atLeast, $"Only {references.Count} references were found.");
    }

    [Fact]
    public void Reference_ToWhatIsNotThere_IsFound()
    {
        using var definitions = new Definitions([typeof(Status).Assembly.Location]);

        Assert.True(definitions.Have(new("Grpc.Core.Status", ".ctor", "void(Grpc.Core.StatusCode,string)")));
        Assert.False(definitions.Have(new("Grpc.Core.Status", ".ctor", "void(Grpc.Core.StatusCode)")));
        Assert.False(definitions.Have(new("Grpc.Core.Nothing", null, null)));
    }
}
