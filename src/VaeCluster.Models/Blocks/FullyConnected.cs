using TorchSharp.Modules;
using static TorchSharp.torch;

namespace VaeCluster.Models.Blocks;

/// <summary>Every number of the output from every number of the input.</summary>
internal sealed class FullyConnected : Block
{
    private readonly Linear _linear;
    private readonly SampleShape _output;

    public FullyConnected(SampleShape input, SampleShape output) : base("FullyConnected")
    {
        _output = output;
        _linear = Add("linear", nn.Linear(input.Elements, output.Elements));
    }

    public override void Trace(ShapeTrace trace) => trace.Linear(_output);

    protected override Tensor Apply(Tensor x) => _linear.forward(x.flatten(1)).view(_output.Batch(x.shape[0]));
}
