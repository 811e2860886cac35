using System.Runtime.InteropServices;

namespace VaeCluster.Checkpoints.Tests;

/// <summary>States to save, and what is expected of them: the values are a function of the step alone.</summary>
internal static class Sample
{
    public static readonly CheckpointOwner Writer = new("w0", 1, 1);

    public static CheckpointSnapshot Snapshot(
        long step, CheckpointOwner? writer = null, double? loss = null, int values = 500, bool ema = true, string config = "train: {}\n", int salt = 0)
    {
        var metadata = new CheckpointMetadata
        {
            Step = step,
            Epoch = step / 10,
            EpochOffset = step % 10 * 128,
            Seed = 7,
            ConfigYaml = config,
            ConfigIdentity = "identity",
            ManifestId = "manifest",
            ValidationLoss = loss,
            Writer = writer ?? Writer,
        };
        return new CheckpointSnapshot(metadata,
            [Tensor("encoder.weight", [values], step, salt), Tensor("decoder.weight", [2, 3], step, salt + 1)],
            [Tensor("exp_avg.encoder.weight", [values], step, salt + 2)],
            ema ? [Tensor("encoder.weight", [values], step, salt + 3)] : null);
    }

    public static byte[] Values(long count, long step, int salt)
    {
        var values = new float[count];
        var random = new Random((int)(step * 31 + salt));
        for (var i = 0; i < values.Length; i++) values[i] = random.NextSingle();
        return MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
    }

    /// <summary>Everything in it is what <see cref="Snapshot"/> made for its step.</summary>
    public static void AssertIs(LoadedCheckpoint loaded, long step, int values = 500, int salt = 0)
    {
        Assert.Equal(step, loaded.Metadata.Step);
        Assert.Equal(step % 10 * 128, loaded.Metadata.EpochOffset);
        Assert.True(loaded.Weights.Bytes(loaded.Weights.Find("encoder.weight")!).SequenceEqual(Values(values, step, salt)));
        Assert.True(loaded.Weights.Bytes(loaded.Weights.Find("decoder.weight")!).SequenceEqual(Values(6, step, salt + 1)));
        Assert.True(loaded.Optimizer.Bytes(loaded.Optimizer.Find("exp_avg.encoder.weight")!).SequenceEqual(Values(values, step, salt + 2)));
        Assert.True(loaded.Ema!.Bytes(loaded.Ema.Find("encoder.weight")!).SequenceEqual(Values(values, step, salt + 3)));
    }

    private static CheckpointTensor Tensor(string name, long[] shape, long step, int salt) =>
        new(name, SafetensorsType.F32, shape, Values(shape.Aggregate(1L, (a, b) => a * b), step, salt).CopyTo);
}
