using System.Reflection;
using Compat.ApiListing;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Compression;

namespace Grpc.Tests.Api;

/// <summary>The two contract assemblies are what the official ones are, as far as a user or another assembly can see.</summary>
public sealed class ListingTests
{
    [Fact]
    public void GrpcCoreApi_EachPublicMember_StandsInOfficialListing() =>
        Assert.Empty(OfficialListing.Violations(typeof(Status).Assembly, "tests/Compat/Grpc.Tests/Api/Grpc.Core.Api.txt"));

    [Fact]
    public void GrpcNetCommon_EachPublicMember_StandsInOfficialListing() =>
        Assert.Empty(OfficialListing.Violations(typeof(GzipCompressionProvider).Assembly, "tests/Compat/Grpc.Tests/Api/Grpc.Net.Common.txt"));

    [Theory]
    [InlineData(typeof(Status))]
    [InlineData(typeof(GzipCompressionProvider))]
    public void ContractAssembly_Identity_IsWhatTheOfficialBinariesAskFor(Type type)
    {
        var name = type.Assembly.GetName();
        var asked = typeof(GrpcChannel).Assembly.GetReferencedAssemblies().Single(reference => reference.Name == name.Name);

        Assert.Equal(asked.Version, name.Version);
        Assert.Equal(asked.GetPublicKeyToken(), name.GetPublicKeyToken());
        Assert.Equal(typeof(GrpcChannel).Assembly.GetName().GetPublicKey(), name.GetPublicKey());
    }

    /// <summary>Numbers of the gRPC specification; they go over the wire.</summary>
    [Theory]
    [InlineData(typeof(StatusCode), "OK=0 Cancelled=1 Unknown=2 InvalidArgument=3 DeadlineExceeded=4 NotFound=5 AlreadyExists=6 "
        + "PermissionDenied=7 ResourceExhausted=8 FailedPrecondition=9 Aborted=10 OutOfRange=11 Unimplemented=12 Internal=13 "
        + "Unavailable=14 DataLoss=15 Unauthenticated=16")]
    [InlineData(typeof(MethodType), "Unary=0 ClientStreaming=1 ServerStreaming=2 DuplexStreaming=3")]
    [InlineData(typeof(WriteFlags), "BufferHint=1 NoCompress=2")]
    [InlineData(typeof(ConnectivityState), "Idle=0 Connecting=1 Ready=2 TransientFailure=3 Shutdown=4")]
    public void Enum_Values_AreThoseOfTheSpecification(Type type, string expected) =>
        Assert.Equal(expected, string.Join(' ', Enum.GetValuesAsUnderlyingType(type).Cast<int>().Select(value => $"{Enum.GetName(type, value)}={value}")));

    /// <summary>Loading a type checks that it overrides and implements what its base and its interfaces ask for.</summary>
    [Theory]
    [InlineData("Grpc.Net.Client")]
    [InlineData("Grpc.AspNetCore.Server")]
    public void OfficialBinary_EachType_Loads(string assembly) => Assert.NotEmpty(Assembly.Load(assembly).GetTypes());
}
