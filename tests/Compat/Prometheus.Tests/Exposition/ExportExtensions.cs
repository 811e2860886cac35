using System.Text;

namespace Prometheus.Tests;

internal static class ExportExtensions
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static async Task<string> ExportAsync(this CollectorRegistry registry, ExpositionFormat format = ExpositionFormat.PrometheusText)
    {
        using var stream = new MemoryStream();
        await registry.CollectAndExportAsTextAsync(stream, format, TestContext.Current.CancellationToken);
        return Strict.GetString(stream.ToArray());
    }

    /// <summary>The value of the sample whose line begins so.</summary>
    public static double ValueOf(this string export, string sample)
    {
        var line = export.Split('\n').Single(line => line.StartsWith(sample + " ", StringComparison.Ordinal));
        return double.Parse(line.AsSpan(sample.Length + 1));
    }
}
