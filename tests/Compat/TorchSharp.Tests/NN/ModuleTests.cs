using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp.Tests.NN;

public sealed class ModuleTests
{
    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly Conv2d conv = nn.Conv2d(2, 4, 3, padding: 1);
        private readonly BatchNorm2d norm = nn.BatchNorm2d(4);
        private readonly ModuleList<Linear> heads = nn.ModuleList(nn.Linear(4, 2), nn.Linear(4, 3, hasBias: false));
        private readonly Parameter scale = nn.Parameter(ones(1));
        private readonly Tensor shift = zeros(1);
        [Utils.ComponentName(Name = "tail")]
        private readonly Sequential _tail = nn.Sequential(("first", nn.SiLU()), ("second", nn.Linear(2, 1)));

        public Block()
            : base(nameof(Block)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            using var features = norm.call(conv.call(input)).mean([2, 3]);
            return _tail.call(heads[0].call(features)) * scale + shift;
        }
    }

    [Fact]
    public void StateDict_NamesAreThoseOfPyTorch()
    {
        using var block = new Block();
        string[] expected =
        [
            "scale", "shift", "conv.weight", "conv.bias", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var",
            "norm.num_batches_tracked", "heads.0.weight", "heads.0.bias", "heads.1.weight", "tail.second.weight",
            "tail.second.bias",
        ];
        Assert.Equal(expected, block.state_dict().Keys);
        Assert.Equal(expected.Select(key => "a." + key), block.state_dict(prefix: "a").Keys);
        Assert.Equal(10, block.parameters().Count());
        Assert.Equal(4, block.buffers().Count());
        Assert.Equal(["conv", "norm", "heads", "tail"], block.named_children().Select(child => child.name));
        Assert.Contains("heads.1", block.named_modules().Select(module => module.name));
        Assert.True(block.has_parameter("heads.0.bias"));
        Assert.True(block.has_buffer("norm.running_var"));
    }

    [Fact]
    public void StateDict_LoadedIntoAnother_MakesItCompute_TheSame()
    {
        using var scope = NewDisposeScope();
        var (one, two) = (new Block(), new Block());
        var x = randn(2, 2, 4, 4);
        Assert.False(one.call(x).Equals(two.call(x)));
        var (missing, unexpected) = two.load_state_dict(one.state_dict());
        Assert.Empty(missing);
        Assert.Empty(unexpected);
        one.eval();
        two.eval();
        Assert.True(one.call(x).Equals(two.call(x)));
    }

    [Fact]
    public void StateDict_WithOtherNames_IsRefusedByNameUnlessNotStrict()
    {
        using var block = new Block();
        using var other = new Block();
        var state = other.state_dict();
        state.Remove("scale");
        state["extra"] = ones(1);
        var failure = Assert.Throws<InvalidOperationException>(() => block.load_state_dict(state));
        Assert.Contains("Missing: scale. Unexpected: extra", failure.Message);
        var (missing, unexpected) = block.load_state_dict(state, strict: false);
        Assert.Equal(["scale"], missing);
        Assert.Equal(["extra"], unexpected);
        block.load_state_dict(state, skip: ["scale", "extra"]);
    }

    [Fact]
    public void Modes_AndFunctions_ReachEveryModule()
    {
        using var block = new Block();
        Assert.True(block.training);
        block.eval();
        Assert.All(block.modules(), module => Assert.False(module.training));
        block.train();
        Assert.All(block.modules(), module => Assert.True(module.training));
        List<string> seen = [];
        block.apply(module => seen.Add(module.GetName()));
        Assert.Equal(block.modules().Count() + 1, seen.Count);
        Assert.Equal("Block", seen[^1]);
    }

    [Fact]
    public void To_ConvertsFloatsInPlace_AndLeavesIntegers()
    {
        using var block = new Block();
        var parameters = block.parameters().ToArray();
        block.call(randn(2, 2, 4, 4)).sum().backward();
        Assert.Same(block, block.to(float64));
        Assert.All(parameters.Zip(block.parameters()), pair => Assert.Same(pair.First, pair.Second));
        Assert.All(block.parameters(), parameter => Assert.Equal(ScalarType.Float64, parameter.dtype));
        Assert.All(block.parameters(), parameter => Assert.True(parameter.requires_grad && parameter.is_leaf));
        Assert.Equal(ScalarType.Float64, block.get_parameter("conv.weight")!.grad!.dtype);
        Assert.Equal(ScalarType.Int64, block.get_buffer("norm.num_batches_tracked")!.dtype);
        Assert.Equal(ScalarType.Float64, block.call(randn(2, 2, 4, 4, float64)).dtype);
        block.zero_grad();
        Assert.All(block.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void Components_OutliveTheScopeTheyWereMadeIn_AndGoWithTheModule()
    {
        Block block;
        using (NewDisposeScope()) block = new Block();
        var parameters = block.parameters().ToArray();
        Assert.All(parameters, parameter => Assert.False(parameter.IsInvalid));
        block.Dispose();
        Assert.All(parameters, parameter => Assert.True(parameter.IsInvalid));
    }

    [Fact]
    public void Names_TakenOrWithDots_AreRefused()
    {
        using var sequential = nn.Sequential(("a", nn.Identity()));
        Assert.Throws<InvalidOperationException>(() => sequential.append("a", nn.Identity()));
        Assert.Throws<ArgumentException>(() => sequential.append("a.b", nn.Identity()));
    }

    [Fact]
    public void Parameter_TakesOverTheHandle_OfItsData()
    {
        var data = ones(2);
        using var parameter = nn.Parameter(data);
        Assert.True(data.IsInvalid);
        Assert.True(parameter.requires_grad);
    }

    [Fact]
    public void Weights_ReplacedByAssignment_AreTheModulesOwn()
    {
        using var linear = nn.Linear(2, 1);
        var old = linear.weight;
        linear.weight = nn.Parameter(ones(1, 2));
        linear.bias = null;
        Assert.True(old.IsInvalid);
        Assert.Equal(["weight"], linear.state_dict().Keys);
        Values.AssertEqual([3], linear.call(tensor(new float[] { 1, 2 }, [1, 2])));
    }
}
