using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace Prometheus;

public static class MetricServerMiddlewareExtensions
{
    private const string DisplayName = "Prometheus metrics";

    /// <summary>An endpoint that serves the registry's metrics; the default registry's when none is given.</summary>
    public static IEndpointConventionBuilder MapMetrics(this IEndpointRouteBuilder endpoints, string pattern = "/metrics",
        CollectorRegistry? registry = null) =>
        endpoints.MapMetrics(settings => settings.Registry = registry, pattern);

    /// <inheritdoc cref="MapMetrics(IEndpointRouteBuilder, string, CollectorRegistry)"/>
    public static IEndpointConventionBuilder MapMetrics(this IEndpointRouteBuilder endpoints,
        Action<MetricServerMiddleware.Settings> configure, string pattern = "/metrics")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var pipeline = endpoints.CreateApplicationBuilder().UseMiddleware<MetricServerMiddleware>(SettingsOf(configure)).Build();
        return endpoints.Map(pattern, pipeline).WithDisplayName(DisplayName);
    }

    /// <summary>Serves the registry's metrics under the path; the default registry's when none is given.</summary>
    public static IApplicationBuilder UseMetricServer(this IApplicationBuilder builder, string? url = "/metrics",
        CollectorRegistry? registry = null) =>
        builder.UseMetricServer(settings => settings.Registry = registry, url);

    /// <inheritdoc cref="UseMetricServer(IApplicationBuilder, string, CollectorRegistry)"/>
    public static IApplicationBuilder UseMetricServer(this IApplicationBuilder builder,
        Action<MetricServerMiddleware.Settings> configure, string? url = "/metrics")
    {
        ArgumentNullException.ThrowIfNull(builder);
        var settings = SettingsOf(configure);
        return url is null
            ? builder.UseMiddleware<MetricServerMiddleware>(settings)
            : builder.Map(url, branch => branch.UseMiddleware<MetricServerMiddleware>(settings));
    }

    /// <summary>Serves the registry's metrics under the path, to connections to this port alone.</summary>
    public static IApplicationBuilder UseMetricServer(this IApplicationBuilder builder, int port, string? url = "/metrics",
        CollectorRegistry? registry = null) =>
        builder.UseMetricServer(port, settings => settings.Registry = registry, url);

    /// <inheritdoc cref="UseMetricServer(IApplicationBuilder, int, string, CollectorRegistry)"/>
    public static IApplicationBuilder UseMetricServer(this IApplicationBuilder builder, int port,
        Action<MetricServerMiddleware.Settings> configure, string? url = "/metrics") =>
        builder.MapWhen(context => context.Connection.LocalPort == port, branch => branch.UseMetricServer(configure, url));

    private static MetricServerMiddleware.Settings SettingsOf(Action<MetricServerMiddleware.Settings> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var settings = new MetricServerMiddleware.Settings();
        configure(settings);
        return settings;
    }
}
