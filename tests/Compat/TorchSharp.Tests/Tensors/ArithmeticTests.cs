using static TorchSharp.torch;

namespace TorchSharp.Tests.Tensors;

public sealed class ArithmeticTests
{
    private readonly Tensor _a = tensor(new float[] { 1, 2, 3, 4 }, [2, 2]);
    private readonly Tensor _b = tensor(new float[] { 4, 3, 2, 1 }, [2, 2]);

    [Fact]
    public void Operators_OfTwoTensors_WorkElementByElement()
    {
        Values.AssertEqual([5, 5, 5, 5], _a + _b);
        Values.AssertEqual([-3, -1, 1, 3], _a - _b);
        Values.AssertEqual([4, 6, 6, 4], _a * _b);
        Values.AssertEqual([0.25f, 2 / 3f, 1.5f, 4], _a / _b);
        Values.AssertEqual([-1, -2, -3, -4], -_a);
        Values.AssertEqual([0, 0, 1, 1], _a > _b);
        Values.AssertEqual([1, 1, 0, 0], _a <= _b);
    }

    [Fact]
    public void Operators_WithNumbersOnEitherSide_KeepTheDtype()
    {
        Values.AssertEqual([3, 4, 5, 6], _a + 2);
        Values.AssertEqual([9, 8, 7, 6], 10.0 - _a);
        Values.AssertEqual([0.5f, 1, 1.5f, 2], 0.5f * _a);
        Values.AssertEqual([12, 6, 4, 3], 12 / _a);
        Values.AssertEqual([0, 1, 2, 3], _a - 1L);
        Assert.Equal(ScalarType.Float32, (_a * 2.5).dtype);
        Assert.Equal(ScalarType.Int64, (arange(3) * 2).dtype);
        Assert.Equal(ScalarType.BFloat16, (_a.bfloat16() / 3).dtype);
    }

    [Fact]
    public void InPlace_ReturnsTheSameObject_WithNewValues()
    {
        var x = _a.clone();
        Assert.Same(x, x.add_(_b).mul_(2).sub_(1).div_(3));
        Values.AssertEqual([3, 3, 3, 3], x);
        Values.AssertEqual([11, 9, 7, 5], x.add_(_b, 2));
        Values.AssertEqual([15, 15, 13, 9], x.addcmul_(_a, _b, 1));
        Values.AssertEqual([15.25f, 15 + 2 / 3f, 14.5f, 13], x.addcdiv_(_a, _b, 1), 1e-5);
        Values.AssertEqual([1, 2, 3, 4], x.copy_(_a));
        Values.AssertEqual([2, 2, 3, 3], x.clamp_(2, 3));
        Values.AssertEqual([3, 2.5f, 2.5f, 2], x.lerp_(_b, full([2, 2], 0.5f)));
        Values.AssertEqual([7, 7, 7, 7], x.fill_(7));
        Values.AssertEqual([0, 0, 0, 0], x.zero_());
    }

    [Fact]
    public void Division_WithARoundingMode_Rounds()
    {
        Values.AssertEqual([-2, 1], tensor(new float[] { -3, 3 }).div(2, RoundingMode.floor));
        Values.AssertEqual([-1, 1], tensor(new float[] { -3, 3 }).div(2, RoundingMode.trunc));
    }

    [Fact]
    public void Reductions_MatchHandValues()
    {
        Assert.Equal(10, _a.sum().ToSingle());
        Values.AssertEqual([4, 6], _a.sum(0L)); // a literal 0 would be taken for a ScalarType
        Assert.Equal([2, 1], _a.sum(1, keepdim: true).shape);
        Values.AssertEqual([1.5f, 3.5f], _a.mean([1]));
        Assert.Equal(5 / 3.0, _a.var().ToDouble(), 1e-6);
        Assert.Equal(1.25, _a.var(unbiased: false).ToDouble(), 1e-6);
        Values.AssertEqual([0.5f, 0.5f], _a.var(1));
        Assert.Equal(Math.Sqrt(30), linalg.vector_norm(_a).ToDouble(), 1e-5);
        Assert.Equal(Math.Sqrt(30), _a.norm().ToDouble(), 1e-5);
        var (values, indexes) = _a.max(1);
        Values.AssertEqual([2, 4], values);
        Values.AssertEqual([1, 1], indexes);
        Assert.Equal(2, _b.argmin(1).sum().ToInt64());
        var (top, at) = _b.flatten().topk(2);
        Values.AssertEqual([4, 3], top);
        Values.AssertEqual([0, 1], at);
        Values.AssertEqual([3, 2, 1, 0], _b.flatten().argsort());
        Values.AssertEqual([1, 3, 3, 7], _a.cumsum(1));
        Assert.Equal(Math.Log(Math.E + Math.Exp(2)), logsumexp(_a, 1)[0].ToDouble(), 1e-5);
    }

    [Fact]
    public void Products_MatchHandValues()
    {
        Values.AssertEqual([8, 5, 20, 13], _a.matmul(_b));
        Values.AssertEqual([8, 5, 20, 13], mm(_a, _b));
        Values.AssertEqual([8, 5, 20, 13], bmm(_a.unsqueeze(0), _b.unsqueeze(0)));
        Values.AssertEqual([8, 5, 20, 13], einsum("ij,jk->ik", _a, _b));
        Assert.Equal(-2, linalg.det(_a).ToSingle(), 1e-5);
        var (values, vectors) = linalg.eigh(tensor(new double[] { 2, 1, 1, 2 }, [2, 2]));
        Values.AssertEqual([1, 3], values);
        Assert.Equal([2, 2], vectors.shape);
        var (_, s, _) = linalg.svd(tensor(new double[] { 3, 0, 0, -4 }, [2, 2]));
        Values.AssertEqual([4, 3], s);
    }

    [Fact]
    public void Functions_OfAngles_Powers_AndNonNumbers_MatchHandValues()
    {
        var x = tensor(new float[] { 0.25f, 1, 4 });
        Values.AssertEqual([0.5f, 1, 2], x.sqrt());
        Values.AssertEqual([0.0625f, 1, 16], x.square());
        Values.AssertEqual([2, 1, 0.5f], x.rsqrt());
        Values.AssertEqual([0.25f, 1, 4], x.log().exp());
        Values.AssertEqual([1 / 64f, 1, 64], x.pow(3));
        Values.AssertEqual([0, 1, 4], x.round());
        Values.AssertEqual([0.2f, 1, 4], (x - 0.01f).round(1));
        Values.AssertEqual([1 / (1 + MathF.Exp(-0.25f)), 1 / (1 + MathF.Exp(-1)), 1 / (1 + MathF.Exp(-4))], sigmoid(x));
        var odd = tensor(new float[] { float.NaN, float.PositiveInfinity, 1 });
        Values.AssertEqual([0, 0, 1], isfinite(odd));
        Values.AssertEqual([1, 0, 0], isnan(odd));
        Values.AssertEqual([9, 9, 1], where(isfinite(odd), odd, full_like(odd, 9)));
    }

    [Fact]
    public void Equality_AsAWhole_IsEqualsAndNotTheOperator()
    {
        Assert.True(_a.Equals(_a.clone()));
        Assert.False(_a.Equals(_b));
        Assert.True(_a.allclose(_a + 1e-7));
        Assert.Equal([2, 2], (_a == _b).shape);
        Values.AssertEqual([0, 0, 0, 0], _a == _b);
    }
}
