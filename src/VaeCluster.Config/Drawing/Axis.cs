using System.Globalization;

namespace VaeCluster.Config.Drawing;

/// <summary>A range of values laid over a range of pixels, with round numbers to mark it.</summary>
public sealed class Axis
{
    private readonly double from, to;
    private readonly double start, end;

    private Axis(double from, double to, double start, double end, bool isLogarithmic) =>
        (this.from, this.to, this.start, this.end, IsLogarithmic) = (from, to, start, end, isLogarithmic);

    public bool IsLogarithmic { get; }

    /// <summary>From the least value to the greatest, with nothing beyond.</summary>
    public static Axis Exact(double least, double greatest, double start, double end) =>
        new(least, greatest > least ? greatest : least + 1, start, end, isLogarithmic: false);

    /// <summary>With some room at both ends; logarithmic where the values are positive and lie far apart.</summary>
    public static Axis Around(IReadOnlyCollection<double> values, double start, double end)
    {
        const double farApart = 20, room = 0.06;
        if (values.Count == 0) return new(0, 1, start, end, false);
        var (least, greatest) = (values.Min(), values.Max());
        if (least > 0 && greatest / least >= farApart)
        {
            var more = Math.Pow(greatest / least, room);
            return new(least / more, greatest * more, start, end, true);
        }
        var margin = greatest > least ? (greatest - least) * room : Math.Max(Math.Abs(least) * room, 0.5);
        return new(least - margin, greatest + margin, start, end, false);
    }

    public double At(double value) => start + (end - start) * (IsLogarithmic ? Math.Log(value / from) / Math.Log(to / from) : (value - from) / (to - from));

    /// <summary>At most so many round values inside the range, ascending: 1, 2, 5 times a power of ten, or multiples of one.</summary>
    public IReadOnlyList<double> Marks(int most)
    {
        if (IsLogarithmic)
        {
            foreach (var digits in new[] { new[] { 1.0, 2, 5 }, [1.0, 3], [1.0] })
            {
                var marks = Decades().SelectMany(power => digits.Select(digit => digit * power)).Where(Inside).ToList();
                if (marks.Count <= most && marks.Count >= 2) return marks;
            }
            var all = Decades().Where(Inside).ToList();
            if (all.Count >= 2) return [.. all.Where((_, index) => index % ((all.Count + most - 1) / most) == 0)];
        }
        var step = RoundUp((to - from) / most);
        var first = Math.Ceiling(from / step);
        return [.. Enumerable.Range(0, most + 1).Select(index => (first + index) * step).Where(Inside)];

        IEnumerable<double> Decades()
        {
            for (var power = Math.Floor(Math.Log10(from)); power <= Math.Ceiling(Math.Log10(to)); power++) yield return Math.Pow(10, power);
        }
    }

    /// <summary>As many digits as tell the marks apart.</summary>
    public static string Text(double value, IReadOnlyList<double> marks)
    {
        var magnitude = marks.Max(mark => Math.Abs(mark));
        if (magnitude >= 1e7 || magnitude < 1e-3) return value == 0 ? "0" : value.ToString("0.###e0", CultureInfo.InvariantCulture);
        var gap = marks.Count > 1 ? marks.Zip(marks.Skip(1), (a, b) => b - a).Min() : magnitude;
        var digits = Math.Clamp((int)Math.Ceiling(-Math.Log10(gap) - 1e-9), 0, 6);
        return value.ToString(digits == 0 ? "#,0" : $"N{digits}", CultureInfo.InvariantCulture);
    }

    private bool Inside(double value) => value >= from * (1 - 1e-12) - 1e-300 && value <= to * (1 + 1e-12);

    private static double RoundUp(double step)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(step)));
        return power * new[] { 1.0, 2, 5, 10 }.First(digit => digit * power >= step * (1 - 1e-9));
    }
}
