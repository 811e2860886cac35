namespace VaeCluster.Models.Presets;

/// <summary>The models there are code for; presets differ from each other in options alone beyond this.</summary>
public enum Architecture
{
    /// <summary>Stable Diffusion's AutoencoderKL at any widths.</summary>
    StableDiffusion,

    /// <summary>Its blocks in a lighter order.</summary>
    SmallStableDiffusion,

    /// <summary>Halving and doubling convolutions with BatchNorm, and a latent without place.</summary>
    StridedConvolutions,

    /// <summary>After DCGAN, for 28 pixels.</summary>
    Digits,
}
