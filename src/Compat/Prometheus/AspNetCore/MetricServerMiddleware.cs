using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Prometheus;

/// <summary>Answers each request with a registry's metrics, in the format that the client prefers.</summary>
public sealed class MetricServerMiddleware
{
    private readonly CollectorRegistry registry;
    private readonly bool openMetrics;

    public MetricServerMiddleware(RequestDelegate next, Settings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        registry = settings.Registry ?? Metrics.DefaultRegistry;
        openMetrics = settings.EnableOpenMetrics;
    }

    public sealed class Settings
    {
        /// <summary>What to export; null: the default registry.</summary>
        public CollectorRegistry? Registry { get; set; }

        /// <summary>Whether clients that ask for OpenMetrics get it.</summary>
        public bool EnableOpenMetrics { get; set; } = true;
    }

    public async Task Invoke(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var (response, cancel) = (context.Response, context.RequestAborted);
        try
        {
            // The callbacks may fail the scrape, so the response starts after them.
            await registry.CollectAsync(cancel).ConfigureAwait(false);
            var format = ChooseFormat(context.Request);
            response.ContentType = format == ExpositionFormat.OpenMetricsText
                ? PrometheusConstants.OpenMetricsContentTypeWithVersionAndEncoding
                : PrometheusConstants.TextContentTypeWithVersionAndEncoding;
            await registry.ExportAsync(response.Body, format, cancel).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // The client went away: nobody is left to answer.
        }
        catch (ScrapeFailedException failure)
        {
            response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            response.ContentType = PrometheusConstants.TextContentType;
            await response.WriteAsync(failure.Message, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>The best of the known formats by the client's weights, the first named when they tie; text by default.</summary>
    private ExpositionFormat ChooseFormat(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted)) return ExpositionFormat.PrometheusText;
        var best = accepted
            .Where(type => type.Quality is not 0)
            .OrderByDescending(type => type.Quality ?? 1) // stable
            .Select(FormatOf)
            .FirstOrDefault(format => format is not null);
        return best ?? ExpositionFormat.PrometheusText;
    }

    private ExpositionFormat? FormatOf(MediaTypeHeaderValue type)
    {
        var versionParameter = type.Parameters.FirstOrDefault(parameter => parameter.Name.Equals("version", StringComparison.OrdinalIgnoreCase));
        var version = versionParameter is null ? null : HeaderUtilities.RemoveQuotes(versionParameter.Value).ToString();
        if (type.MediaType.Equals(PrometheusConstants.OpenMetricsContentType, StringComparison.OrdinalIgnoreCase))
        {
            return openMetrics && version is null or "1.0.0" ? ExpositionFormat.OpenMetricsText : null;
        }
        var isText = type.MediaType.Equals(PrometheusConstants.TextContentType, StringComparison.OrdinalIgnoreCase)
            || type.MatchesAllTypes || (type.MatchesAllSubTypes && type.Type.Equals("text", StringComparison.OrdinalIgnoreCase));
        return isText && version is null or "0.0.4" ? ExpositionFormat.PrometheusText : null;
    }
}
