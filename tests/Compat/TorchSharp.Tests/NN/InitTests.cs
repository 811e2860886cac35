using static TorchSharp.torch;

namespace TorchSharp.Tests.NN;

/// <summary>The expected numbers are PyTorch 1.13's for manual_seed(7).</summary>
public sealed class InitTests
{
    [Fact]
    public void Layers_DrawWeightThenBias_AsPyTorchDoes()
    {
        manual_seed(7);
        using var linear = nn.Linear(3, 2);
        using var conv = nn.Conv2d(2, 2, 1);
        using var transposed = nn.ConvTranspose2d(2, 4, 1);
        Values.AssertEqual(
            [0.04032507538795471f, -0.3477921187877655f, 0.18384182453155518f, 0.1811612844467163f, -0.3085803687572479f, -0.0865316316485405f],
            linear.weight);
        Values.AssertEqual([-0.33822792768478394f, 0.1498066484928131f], linear.bias!);
        Values.AssertEqual([-0.19047172367572784f, 0.49676844477653503f, 0.5019654035568237f, 0.07203326374292374f], conv.weight);
        Values.AssertEqual([-0.30145516991615295f, -0.4153271019458771f], conv.bias!);
        Values.AssertEqual(
            [
                -0.05490982532501221f, -0.14071404933929443f, 0.22038042545318604f, -0.42694807052612305f, 0.4699196219444275f,
                -0.39221346378326416f, 0.3828775882720947f, -0.08682727813720703f,
            ],
            transposed.weight);
        Values.AssertEqual([0.257194459438324f, 0.19484752416610718f, 0.020930051803588867f, 0.093231201171875f], transposed.bias!);
    }

    [Fact]
    public void Functions_GivePyTorchsNumbers()
    {
        var w = empty(2, 3);
        manual_seed(7);
        Values.AssertEqual(
            [0.0765114575624466f, -0.6598891615867615f, 0.34881535172462463f, 0.3437293767929077f, -0.5854901075363159f, -0.16418224573135376f],
            nn.init.xavier_uniform_(w));
        manual_seed(7);
        Values.AssertEqual(
            [0.9266024231910706f, 1.3930706977844238f, 1.4734108448028564f, 0.4428279995918274f, 1.8453950881958008f, 0.5525860786437988f],
            nn.init.normal_(w, 1, 0.5));
        Values.AssertEqual([3, 3, 3, 3, 3, 3], nn.init.constant_(nn.Parameter(w), 3));
        Assert.Equal((9 * 2, 9 * 4), nn.init.CalculateFanInAndFanOut(empty(4, 2, 3, 3)));
    }
}
