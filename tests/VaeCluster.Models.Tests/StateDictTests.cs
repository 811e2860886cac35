namespace VaeCluster.Models.Tests;

[Collection(OneThread.Name)]
public class StateDictTests
{
    [Fact]
    public void StateDict_OfSd_HasDiffusersNamesAndShapes()
    {
        using var model = ImageAutoencoder.Create(ModelOptions.Of("sd"));

        var found = model.state_dict().Select(entry => $"{entry.Key} [{string.Join(", ", entry.Value.shape)}]");

        var wanted = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "sd_vae_keys.txt"));
        Assert.Equal(248, wanted.Length);
        Assert.Equal(wanted, found.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("encoder.", 34_163_592)]
    [InlineData("decoder.", 49_490_179)]
    [InlineData("quant_conv.", 72)]
    [InlineData("post_quant_conv.", 20)]
    public void Parameters_OfSdsParts_AreAsPublished(string part, long count)
    {
        using var model = ImageAutoencoder.Create(ModelOptions.Of("sd"));

        Assert.Equal(count, model.named_parameters()
            .Where(entry => entry.name.StartsWith(part, StringComparison.Ordinal)).Sum(entry => entry.parameter.numel()));
    }
}
