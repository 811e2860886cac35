using Compat.ApiListing;

namespace Prometheus.Tests;

public sealed class SignatureTests
{
    [Fact]
    public void PublicMembers_OfTheSubset_StandInTheOfficialListings() =>
        Assert.Empty(OfficialListing.Violations(typeof(Counter).Assembly,
            "tests/Compat/Prometheus.Tests/Api/Prometheus.NetStandard.txt",
            "tests/Compat/Prometheus.Tests/Api/Prometheus.AspNetCore.txt"));

    [Fact]
    public void EnumValues_OfTheFormats_AreTheOfficialOnes()
    {
        Assert.Equal(0, (int)ExpositionFormat.PrometheusText);
        Assert.Equal(1, (int)ExpositionFormat.OpenMetricsText);
    }
}
