using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace VaeCluster.Protocol.Tracing;

/// <summary>
/// Spans for an OpenTelemetry collector, made where the environment names one. What hosts do for the same step, or the same
/// recovery, is one trace: its id follows from the run and from what it is about, so that nothing is passed along.
/// </summary>
public static class Traces
{
    /// <summary>The collector's URL. The exporter takes the other OTEL_EXPORTER_OTLP_ variables and OTEL_RESOURCE_ATTRIBUTES as well.</summary>
    public const string Variable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private static readonly ActivitySource Source = new("VaeCluster");

    [ThreadStatic]
    private static ActivityTraceId? given;

    static Traces() => Activity.TraceIdGenerator = () => given ?? ActivityTraceId.CreateRandom();

    /// <summary>Sends what is told from now on, in the background; what is left when it is disposed. Null where no collector is named.</summary>
    /// <param name="service">coordinator or worker.</param>
    /// <param name="instance">Tells one from another.</param>
    /// <exception cref="UserErrorException">The variable is no URL.</exception>
    public static IDisposable? Start(string service, string instance)
    {
        var endpoint = Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrWhiteSpace(endpoint)) return null;
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            throw new UserErrorException($"{Variable}: {endpoint} is no URL of a collector. Write http://host:4317.");
        return Sdk.CreateTracerProviderBuilder()
            .AddSource(Source.Name)
            .SetSampler(new AlwaysOnSampler())
            .ConfigureResource(resource => resource.AddService(service, serviceNamespace: "vaecluster", serviceInstanceId: instance))
            .AddOtlpExporter()
            .Build();
    }

    /// <summary>A span that ends now, with parts of it.</summary>
    /// <param name="name">step or recovery.</param>
    /// <param name="run">The run's id.</param>
    /// <param name="about">Which one of the run: spans that give the same are one trace.</param>
    /// <param name="duration">Of the whole.</param>
    /// <param name="tags">What else is known.</param>
    /// <param name="parts">Each with its end, counted from the end of the whole.</param>
    public static void Tell(string name, string run, string about, TimeSpan duration, IEnumerable<KeyValuePair<string, object?>> tags,
        params ReadOnlySpan<(string Name, TimeSpan Duration, TimeSpan BeforeEnd)> parts)
    {
        if (!Source.HasListeners()) return;
        var end = DateTimeOffset.UtcNow;
        var before = Activity.Current;
        try
        {
            (Activity.Current, given) = (null, IdOf(run, name, about));
            using var whole = Source.StartActivity(ActivityKind.Internal, default(ActivityContext), tags, null, end - duration, name);
            foreach (var part in parts)
            {
                using var span = Source.StartActivity(ActivityKind.Internal, whole!.Context, null, null, end - part.BeforeEnd - part.Duration, part.Name);
                span?.SetEndTime((end - part.BeforeEnd).UtcDateTime);
            }
            whole?.SetEndTime(end.UtcDateTime);
        }
        finally
        {
            (Activity.Current, given) = (before, null);
        }
    }

    /// <summary>Names a step.</summary>
    /// <param name="steps">Done with it.</param>
    public static string About(long steps) => steps.ToString(CultureInfo.InvariantCulture);

    private static ActivityTraceId IdOf(string run, string name, string about) =>
        ActivityTraceId.CreateFromBytes(SHA256.HashData(Encoding.UTF8.GetBytes($"{run}/{name}/{about}")).AsSpan(0, 16));
}
