using System.Reflection;
using TorchSharp.Internal;
using static TorchSharp.torch;

namespace TorchSharp.Tests.NativeCode;

public sealed class OperatorTests
{
    // 2.0 brought it; scaled_dot_product_attention composes it before.
    private static readonly string[] Optional = ["scaled_dot_product_attention"];

    [Fact]
    public void EveryOperator_ExistsInThisLibtorch()
    {
        var missing = typeof(Ops).GetFields(BindingFlags.NonPublic | BindingFlags.Static)
            .Where(field => !Optional.Contains(field.Name) && !((Op)field.GetValue(null)!).Exists)
            .Select(field => field.Name);
        Assert.Empty(missing);
    }

    [Fact]
    public void Calls_AllocateNothingButTheTensor()
    {
        var (a, b) = (ones(4), ones(4));
        Run();
        var inPlace = Measure(() => a.add_(b));
        var created = Measure(() => (a + b).Dispose());
        var viewed = Measure(() => a.narrow(0, 1, 2).Dispose());
        Assert.Equal(0, inPlace);
        Assert.InRange(created, 24, 64);
        Assert.Equal(created, viewed);

        void Run()
        {
            for (var i = 0; i < 100; i++)
            {
                a.add_(b);
                (a + b).Dispose();
                a.narrow(0, 1, 2).Dispose();
            }
        }
    }

    [Fact]
    public void Errors_ArriveWithTheNativeMessage_AndWithoutABacktrace()
    {
        var shapes = Assert.Throws<System.Runtime.InteropServices.ExternalException>(() => ones(2, 3).matmul(ones(2, 3)));
        Assert.Equal("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)", shapes.Message);
        var memory = Assert.Throws<System.Runtime.InteropServices.ExternalException>(() => empty([1L << 46]));
        Assert.Contains("memory", memory.Message);
        var leaf = Assert.Throws<System.Runtime.InteropServices.ExternalException>(() => ones(1, requires_grad: true).add_(1));
        Assert.Contains("leaf Variable", leaf.Message);
        Values.AssertEqual([2], ones(1) + 1);
    }

    [Fact]
    public void AnOperatorThatDoesNotExist_IsNamed()
    {
        Op op = new("no_such_operator.out");
        Assert.False(op.Exists);
        var failure = Assert.Throws<System.Runtime.InteropServices.ExternalException>(() => op.Call(1L));
        Assert.Contains("aten::no_such_operator", failure.Message);
    }

    [Fact]
    public void AnArgumentThatIsMissing_IsNamed()
    {
        var x = ones(1);
        var failure = Assert.Throws<System.Runtime.InteropServices.ExternalException>(() => Ops.narrow.Call(x));
        Assert.Contains("dim", failure.Message);
    }

    [Fact]
    public void Version_IsThatOfLibtorch() => Assert.True(Version.Parse(torch.__version__.Split('+')[0]) >= new Version(1, 13));

    [Fact]
    public void Threads_AreSetAndRead()
    {
        var before = get_num_threads();
        set_num_threads(1);
        Assert.Equal(1, get_num_threads());
        set_num_threads(before);
        Assert.True(get_num_interop_threads() >= 1);
    }

    private static long Measure(Action call)
    {
        const int Calls = 1000;
        call();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Calls; i++) call();
        return (GC.GetAllocatedBytesForCurrentThread() - before) / Calls;
    }
}
