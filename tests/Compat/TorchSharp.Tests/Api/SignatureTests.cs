using Compat.ApiListing;
using static TorchSharp.torch;

namespace TorchSharp.Tests.Api;

public sealed class SignatureTests
{
    [Fact]
    public void PublicMembers_OfTheSubset_StandInTheOfficialListing() =>
        Assert.Empty(OfficialListing.Violations(typeof(Tensor).Assembly, "tests/Compat/TorchSharp.Tests/Api/TorchSharp.txt"));
}
