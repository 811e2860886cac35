namespace VaeCluster.Data.Images;

/// <summary>How an image becomes square.</summary>
public enum ResizeMode
{
    /// <summary>The shorter side becomes the model's, and the longer one is cropped.</summary>
    ShortSide,

    /// <summary>Both sides become the model's, whatever that does to the proportions.</summary>
    Stretch,
}

/// <summary>Which part is kept.</summary>
public enum CropMode
{
    Center,

    /// <summary>While training, a place drawn from (seed, epoch, sample); the centre in validation.</summary>
    Random,

    None,
}
