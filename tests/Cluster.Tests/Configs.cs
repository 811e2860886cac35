namespace VaeCluster.Cluster.Tests;

/// <summary>Small runs that show what large ones do.</summary>
internal static class Configs
{
    public static string Tiny(int steps, int batch = 8, int slots = 8, int size = 16, string more = "") => $$"""
        model: {preset: tiny, image_size: {{size}}}
        data: {source: "shapes:?count=100&size={{size}}", threads: 1}
        train: {batch: {{batch}}, slots: {{slots}}, steps: {{steps}}, seed: 7, threads: 1, validate_samples: 16{{more}}}
        checkpoints: {every_steps: 50}
        """;

    public static string Mnist(int steps) => $$"""
        model: {preset: mnist}
        data: {source: "shapes:?count=320&size=28", size: 28, threads: 1}
        train: {batch: 64, slots: 8, steps: {{steps}}, seed: 7, threads: 1}
        """;
}
