using Compat.ApiListing;

namespace Grpc.Tests.Api;

/// <summary>The checker itself: what it lets through and what it names.</summary>
public sealed class OfficialListingTests
{
    [Theory]
    [InlineData(typeof(Dictionary<string, int?>.KeyCollection), "System.Collections.Generic.Dictionary<System.String, System.Int32?>.KeyCollection")]
    [InlineData(typeof(int[,][]), "System.Int32[][,]")]
    [InlineData(typeof(List<>), "System.Collections.Generic.List<T>")]
    [InlineData(typeof(int*), "System.Int32*")]
    public void TypeName_OfType_ReadsAsInListing(Type type, string expected) => Assert.Equal(expected, TypeName.Of(type));

    [Fact]
    public void PublicApi_OfType_HasItsLines()
    {
        var type = PublicApi.Of(typeof(Sample).Assembly).Single(type => type.Line == "abstract class Grpc.Tests.Api.OfficialListingTests.Sample");

        Assert.Equal(["System.IDisposable"], type.Bases);
        Assert.Equal(
            [
                "Grpc.Tests.Api.OfficialListingTests.Sample.System.Int32 Size { get; }",
                "Grpc.Tests.Api.OfficialListingTests.Sample.System.Void Dispose()",
                "Grpc.Tests.Api.OfficialListingTests.Sample.const System.String Name",
                "Grpc.Tests.Api.OfficialListingTests.Sample.protected abstract T[] Pick<T>(ref System.Int32 from, params System.Object[] rest)",
                "Grpc.Tests.Api.OfficialListingTests.Sample.protected new(System.String text = \"a\", System.Threading.CancellationToken token = null)",
                "Grpc.Tests.Api.OfficialListingTests.Sample.virtual System.String ToString()",
            ],
            type.Members.Select(member => member.Line).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Violations_WhenSubset_AreNone()
    {
        PublicType[] shown = [new("class N.A", ["N.I<X, Y>"], [new("N.A.new()", false), new("N.A.virtual System.String ToString()", true)])];

        Assert.Empty(OfficialListing.Violations(shown, ["class N.A : N.B, N.I<X, Y>", "N.A.new()"]));
    }

    [Fact]
    public void Violations_WhenNotASubset_NameEachLine()
    {
        PublicType[] shown = [new("class N.A", ["N.J"], [new("N.A.new(X x)", false)]), new("struct N.C", [], [])];

        Assert.Equal(
            [
                "not a base in the official listing: class N.A : N.J",
                "not in the official listing: N.A.new(X x)",
                "not in the official listing: struct N.C",
                "kept, but the subset lacks it: N.A.new()",
                "kept, but the subset lacks it: class N.C",
            ],
            OfficialListing.Violations(shown, ["class N.A : N.B", "class N.C", "N.A.new()"]));
    }

    public abstract class Sample(string text = "a", CancellationToken token = default) : IDisposable
    {
        public const string Name = "";
        internal const string Hidden = "";

        public int Size { get; private set; }

        protected abstract T[] Pick<T>(ref int from, params object[] rest);

        public void Dispose() => GC.SuppressFinalize(this);

        public override string ToString() => text + token;
    }
}
