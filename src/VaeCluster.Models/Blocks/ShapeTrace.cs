namespace VaeCluster.Models.Blocks;

/// <summary>
/// Follows the shape of one sample through the layers and adds up their cost, a multiplication and an addition counting
/// 2. Only convolutions and matrix products count: the rest is below a percent.
/// </summary>
internal sealed class ShapeTrace(SampleShape input)
{
    public SampleShape Shape { get; private set; } = input;

    public long Flops { get; private set; }

    /// <param name="width">Output channels.</param>
    /// <param name="kernel">Side of the kernel.</param>
    /// <param name="stride">Step of the kernel.</param>
    /// <param name="padding">Rows added above and below together.</param>
    public void Conv(long width, long kernel, long stride = 1, long padding = 0)
    {
        var weights = Shape.Channels * width * kernel * kernel;
        Shape = new(width, Reduced(Shape.Height), Reduced(Shape.Width));
        Flops += 2 * weights * Shape.Height * Shape.Width;

        long Reduced(long size) => (size + padding - kernel) / stride + 1;
    }

    /// <param name="width">Output channels.</param>
    /// <param name="kernel">Side of the kernel.</param>
    /// <param name="stride">Output pixels per input pixel.</param>
    /// <param name="cropped">Rows taken off above and below together, less the output padding.</param>
    public void ConvTranspose(long width, long kernel, long stride, long cropped = 0)
    {
        // Each input pixel spreads over the whole kernel.
        Flops += 2 * Shape.Channels * width * kernel * kernel * Shape.Height * Shape.Width;
        Shape = new(width, Grown(Shape.Height), Grown(Shape.Width));

        long Grown(long size) => (size - 1) * stride + kernel - cropped;
    }

    /// <summary>A fully connected layer on the whole sample.</summary>
    public void Linear(SampleShape output)
    {
        Flops += 2 * Shape.Elements * output.Elements;
        Shape = output;
    }

    /// <summary>Projections of each position, then each position with each other one, twice.</summary>
    public void Attention()
    {
        var positions = Shape.Height * Shape.Width;
        Flops += 2 * positions * Shape.Channels * 4 * Shape.Channels + 2 * 2 * positions * positions * Shape.Channels;
    }

    /// <summary>A branch from here, which costs but whose shape is not followed further.</summary>
    public void Beside(Action<ShapeTrace> branch)
    {
        var beside = new ShapeTrace(Shape);
        branch(beside);
        Flops += beside.Flops;
    }

    public void Upsample() => Shape = Shape with { Height = 2 * Shape.Height, Width = 2 * Shape.Width };
}
