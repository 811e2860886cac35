using static TorchSharp.torch;

namespace TorchSharp.Tests.Tensors;

public sealed class ShapeTests
{
    private readonly Tensor _x = arange(24, float32).reshape(2, 3, 4);

    [Fact]
    public void Views_ShareMemory()
    {
        Assert.Equal([4, 3, 2], _x.permute(2, 1, 0).shape);
        Assert.Equal([1, 4, 12], _x.permute(2, 1, 0).stride());
        Assert.False(_x.transpose(0, 1).is_contiguous());
        Assert.Equal([2, 1, 3, 4], _x.unsqueeze(1).shape);
        Assert.Equal([2, 3, 4], _x.unsqueeze(1).squeeze(1).shape);
        Assert.Equal([2, 12], _x.flatten(1).shape);
        Assert.Equal([2, 3, 2, 2], _x.unflatten(-1, 2, 2).shape);
        Assert.Equal([5, 4], _x[0, 0].expand(5, 4).shape);
        using var narrowed = _x.narrow(1, 1, 2);
        Assert.Equal(4, narrowed.storage_offset());
        narrowed.zero_();
        Assert.Equal(0 + 1 + 2 + 3 + 12 + 13 + 14 + 15, _x.sum().ToSingle());
    }

    [Fact]
    public void Parts_JoinToTheWhole()
    {
        Assert.True(cat(_x.chunk(2, 2), 2).Equals(_x));
        Assert.True(cat(_x.split(3, 2), 2).Equals(_x));
        Assert.Equal([3, 1], _x.split(3, 2).Select(part => part.size(2)));
        Assert.True(cat(_x.split([1, 2], 1), 1).Equals(_x));
        Assert.True(stack(_x.unbind(1), 1).Equals(_x));
        Assert.True(_x.flip(0, 1).flip(1, 0).Equals(_x));
    }

    [Fact]
    public void ManyTensors_MoreThanFitOnTheStack_AreJoined()
    {
        var parts = Enumerable.Range(0, 1000).Select(i => tensor(i)).ToArray();
        Assert.Equal(999 * 500, stack(parts).sum().ToInt64());
    }

    [Fact]
    public void Indexing_ByPositionsRangesAndTensors_Selects()
    {
        Values.AssertEqual([14, 18, 22], _x[1, TensorIndex.Colon, 2]);
        Values.AssertEqual([23], _x[-1, -1, -1]);
        Values.AssertEqual([1, 3], _x[0, 0, TensorIndex.Slice(1, null, 2)]);
        Assert.Equal([2, 3, 2], _x[TensorIndex.Ellipsis, 1..3].shape);
        Assert.Equal([2, 3, 3], _x[TensorIndex.Ellipsis, 1..].shape);
        Assert.Equal([2, 3, 3], _x[TensorIndex.Ellipsis, ..^1].shape);
        Assert.Equal([1, 2, 3, 4], _x[TensorIndex.None].shape);
        Values.AssertEqual([4, 0], _x[0, TensorIndex.Tensor(tensor(new long[] { 1, 0 })), 0]);
        Values.AssertEqual([20, 21, 22, 23], _x[_x > 19]);
        Values.AssertEqual([8, 0], _x[0].select(1, 0).index_select(0, tensor(new long[] { 2, 0 })));
    }

    [Fact]
    public void Indexing_Assigned_ChangesThePlaces()
    {
        var x = zeros(3, 3);
        x[0] = ones(3);
        x[1, TensorIndex.Slice(1)] = tensor(new float[] { 5, 6 });
        x[TensorIndex.Tensor(tensor(new long[] { 2 })), TensorIndex.Colon] = full([1, 3], 9f);
        Values.AssertEqual([1, 1, 1, 0, 5, 6, 9, 9, 9], x);
        x[x > 5] = tensor(0f);
        Values.AssertEqual([1, 1, 1, 0, 5, 0, 0, 0, 0], x);
    }

    [Fact]
    public void GatherScatterAndMasks_MatchHandValues()
    {
        var x = tensor(new float[] { 1, 2, 3, 4 }, [2, 2]);
        var at = tensor(new long[] { 1, 0, 0, 1 }, [2, 2]);
        Values.AssertEqual([2, 1, 3, 4], x.gather(1, at));
        Values.AssertEqual([2, 1, 3, 4], zeros_like(x).scatter(1, at, x));
        Values.AssertEqual([1, 2, 0, 0], x.masked_fill(x > 2, 0));
        Values.AssertEqual([3, 4], x.masked_select(x > 2));
        Values.AssertEqual([1, 0, 3, 4], x.tril());
    }
}
