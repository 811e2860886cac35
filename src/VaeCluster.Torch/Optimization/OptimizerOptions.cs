using System.ComponentModel.DataAnnotations;

namespace VaeCluster.Torch;

public enum OptimizerName
{
    Adam,
    Adamw,
    Sgd,
}

/// <summary>Section <c>optimizer</c>.</summary>
public sealed class OptimizerOptions
{
    public OptimizerName Name { get; set; } = OptimizerName.Adam;

    [Range(double.Epsilon, 1e3)]
    public double Lr { get; set; } = 1e-3;

    /// <summary>Adam's decay of the first moment.</summary>
    [Range(0.0, 0.9999999)]
    public double Beta1 { get; set; } = 0.9;

    /// <summary>Adam's decay of the second moment.</summary>
    [Range(0.0, 0.9999999)]
    public double Beta2 { get; set; } = 0.999;

    [Range(double.Epsilon, 1.0)]
    public double Eps { get; set; } = 1e-8;

    /// <summary>Added to the gradient for adam and sgd; taken off the weights, times the learning rate, for adamw.</summary>
    [Range(0.0, 1e3)]
    public double WeightDecay { get; set; }

    /// <summary>Of sgd.</summary>
    [Range(0.0, 0.9999999)]
    public double Momentum { get; set; } = 0.9;

    /// <summary>The global gradient norm is clipped to this; 0 does not clip.</summary>
    [Range(0.0, double.MaxValue)]
    public double ClipNorm { get; set; }

    /// <summary>Decay of the exponential moving average of the weights; 0 keeps none.</summary>
    [Range(0.0, 0.9999999)]
    public double EmaDecay { get; set; }

    public ScheduleOptions Schedule { get; set; } = new();
}
