using VaeCluster.Config;

namespace VaeCluster.Worker.Tests.Training;

/// <summary>Small runs on generated shapes.</summary>
internal static class Runs
{
    public static RunConfig Config(string preset, params string[] switches) => new ConfigSources
    {
        Text = $$"""
            model: {preset: {{preset}}}
            data: {source: "shapes:?count=120&size=32", threads: 1}
            train: {batch: 16, slots: 8, steps: 1000, seed: 7, threads: 1}
            """,
        Name = "test",
        Switches = switches,
    }.Load();
}
