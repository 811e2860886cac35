namespace Benchmarks;

/// <summary>Runs without an end, and without what interrupts steps: no validation, no checkpoint, no comparison of states.</summary>
internal static class BenchmarkConfigs
{
    public static string Preset(string preset, int batch, int size, int slots, string model = "", string train = "") => $$"""
        model: {preset: {{preset}}, image_size: {{size}}{{model}}}
        data: {source: "shapes:?count=2000&size={{size}}", size: {{size}}, threads: 1}
        train: {batch: {{batch}}, slots: {{slots}}, steps: 100000000, seed: 7, threads: 1, validate_epochs: 0, hash_steps: 0{{train}}}
        checkpoints: {every_steps: 100000000}
        """;
}
