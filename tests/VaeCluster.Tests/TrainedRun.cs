namespace VaeCluster.Tests;

/// <summary>A run of a few steps, for tests that need a trained model and not a good one.</summary>
public sealed class TrainedRun : IDisposable
{
    private readonly RunSandbox _sandbox = new();

    public TrainedRun() => _sandbox.Train(_sandbox.SmallConfig()).AssertSuccess();

    public string Run => _sandbox.Run;

    public string Root => _sandbox.Root;

    /// <summary>The source that it was trained on: 64 images.</summary>
    public string Images => "shapes:?count=64&size=28";

    public string In(string name) => _sandbox.In(name);

    public void Dispose() => _sandbox.Dispose();
}
