using VaeCluster.Applications.Similarity;
using VaeCluster.Data.Inputs;

namespace VaeCluster.Applications.Reconstruction;

/// <summary>An image, and how near its reconstruction is.</summary>
public sealed record Reconstructed(ImageOrigin Image, ImageSimilarity Similarity);
