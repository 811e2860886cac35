using VaeCluster.Torch.Native;
using VaeCluster.Worker.Training;
using static TorchSharp.torch;

namespace VaeCluster.Worker.Tests.Training;

public sealed class SteadyStateTests
{
    [Fact]
    public void Run_ThreeHundredSteps_KeepsMemoryAndObjectsFlat()
    {
        const int warmUp = 60, steps = 300;
        var (tensorsBefore, nativeBefore) = (LiveTensors(), NativeAdditions.LiveObjects);
        using (var training = new LocalTraining(Runs.Config("tiny", "train.batch=4", "train.slots=2")))
        {
            for (var step = 0; step < warmUp; step++) training.RunStep(CancellationToken.None);
            var (resident, tensors) = (ResidentMegabytes(), LiveTensors());
            var allocated = Allocated(training, 20);
            for (var step = warmUp + 20; step < steps - 20; step++) training.RunStep(CancellationToken.None);

            var growth = ResidentMegabytes() - resident;
            Assert.True(growth < 24, $"resident memory grew by {growth:F1} MiB over {steps - warmUp} steps");
            Assert.Equal(tensors, LiveTensors());
            var later = Allocated(training, 20);
            Assert.True(later < allocated * 1.2 + 4096, $"a step allocated {allocated / 20} bytes at first and {later / 20} at the end");
        }
        Assert.Equal(tensorsBefore, LiveTensors());
        Assert.Equal(nativeBefore, NativeAdditions.LiveObjects);
    }

    [Fact]
    public void Images_OfAnotherShape_ArriveAsAnExceptionWithTheNativeMessage()
    {
        using var training = new LocalTraining(Runs.Config("tiny"));
        using var wrong = zeros(1, 2, 32, 32);

        var thrown = Assert.ThrowsAny<System.Runtime.InteropServices.ExternalException>(() => training.State.Model.Encode(wrong));
        Assert.Contains("channels", thrown.Message, StringComparison.OrdinalIgnoreCase);
    }

    // What nobody holds any more is only gone when its finalizer has run: also what earlier tests left.
    private static long LiveTensors()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Tensor.TotalCount;
    }

    private static long Allocated(LocalTraining training, int steps)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var step = 0; step < steps; step++) training.RunStep(CancellationToken.None);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static double ResidentMegabytes()
    {
        var line = File.ReadLines("/proc/self/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1]) / 1024.0;
    }
}
