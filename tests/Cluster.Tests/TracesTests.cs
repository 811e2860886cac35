using System.Collections.Concurrent;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace VaeCluster.Cluster.Tests;

/// <summary>What a collector of traces gets from a whole cluster, over OTLP.</summary>
public sealed class TracesTests
{
    [Fact]
    public async Task Run_WithAKilledWorker_TracesStepsAndTheRecoveryAcrossHosts()
    {
        var port = LinkProxy.FreePort();
        var spans = new ConcurrentQueue<Span>();
        await using var collector = await ListenAsync(port, spans);
        await using var cluster = TestCluster.With(
            [("OTEL_EXPORTER_OTLP_ENDPOINT", $"http://127.0.0.1:{port}"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_BSP_SCHEDULE_DELAY", "200")],
            Configs.Tiny(80, more: ", trace_steps: 10"), "plans.min_members=3");
        cluster.StartWorkers(3);
        await cluster.WaitForStepAsync(25);
        cluster.Workers["w3"].Kill();
        await cluster.CompleteAsync();

        // 1. A step is one trace: a span of the coordinator, one of each member, and the parts of theirs.
        var steps = spans.Where(span => span.Name == "step").GroupBy(span => span.Trace).ToList();
        Assert.Equal(8, steps.Count);
        Assert.All(steps, step => Assert.Single(step, span => span.Service == "coordinator"));
        Assert.Equal(["coordinator", "w1", "w2", "w3"], Hosts(steps, 10));
        Assert.Equal(["coordinator", "w1", "w2"], Hosts(steps, 80));
        foreach (var step in spans.Where(span => span is { Name: "step", Service: "worker" }))
        {
            var parts = spans.Where(span => span.Parent == step.Id).ToList();
            Assert.Equal(["exchange", "optimizer", "slots"], parts.Select(part => part.Name).Order(StringComparer.Ordinal));
            Assert.All(parts, part => Assert.True(part.Trace == step.Trace && part.Start >= step.Start && part.End <= step.End, $"{part} in {step}"));
        }

        // 2. So is a recovery.
        var recovery = spans.Where(span => span is { Name: "recovery", Service: "coordinator" }).Last();
        Assert.Equal(["w1", "w2"], spans.Where(span => span.Name == "recovery" && span.Trace == recovery.Trace && span.Service == "worker").Select(span => span.Instance).Order(StringComparer.Ordinal));
        Assert.Contains("w3", recovery.Tags["vaecluster.reason"], StringComparison.Ordinal);
    }

    private static IEnumerable<string> Hosts(List<IGrouping<string, Span>> steps, int step) => steps
        .Single(group => group.Any(span => span.Tags["vaecluster.step"] == $"{step}"))
        .Select(span => span.Service == "worker" ? span.Instance : span.Service).Order(StringComparer.Ordinal);

    private static async Task<WebApplication> ListenAsync(int port, ConcurrentQueue<Span> spans)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().UseUrls($"http://127.0.0.1:{port}");
        var app = builder.Build();
        app.UseRouting();
        app.MapPost("/v1/traces", async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            foreach (var span in Read(body.ToArray())) spans.Enqueue(span);
        });
        await app.StartAsync();
        return app;
    }

    /// <summary>ExportTraceServiceRequest, by the field numbers of opentelemetry/proto/trace/v1/trace.proto.</summary>
    private static IEnumerable<Span> Read(byte[] request)
    {
        foreach (var resourceSpans in Messages(request, 1))
        {
            var resource = Attributes(Messages(resourceSpans, 1).SelectMany(about => Messages(about, 1)));
            foreach (var span in Messages(resourceSpans, 2).SelectMany(scope => Messages(scope, 2)))
            {
                yield return new Span(Hex(span, 1), Hex(span, 2), Hex(span, 4), System.Text.Encoding.UTF8.GetString(Messages(span, 5).Single()),
                    resource["service.name"], resource["service.instance.id"], Number(span, 7), Number(span, 8), Attributes(Messages(span, 9)));
            }
        }
    }

    private static Dictionary<string, string> Attributes(IEnumerable<byte[]> pairs) => pairs.ToDictionary(
        pair => System.Text.Encoding.UTF8.GetString(Messages(pair, 1).Single()),
        pair => Messages(pair, 2).Single() is var value && Messages(value, 1).SingleOrDefault() is { } text ? System.Text.Encoding.UTF8.GetString(text) : $"{Number(value, 3)}");

    private static string Hex(byte[] message, int field) => Convert.ToHexStringLower(Messages(message, field).SingleOrDefault() ?? []);

    private static IEnumerable<byte[]> Messages(byte[] message, int field)
    {
        var input = new CodedInputStream(message);
        while (input.ReadTag() is var tag and not 0)
        {
            if (tag == WireFormat.MakeTag(field, WireFormat.WireType.LengthDelimited)) yield return input.ReadBytes().ToByteArray();
            else input.SkipLastField();
        }
    }

    private static ulong Number(byte[] message, int field)
    {
        var input = new CodedInputStream(message);
        while (input.ReadTag() is var tag and not 0)
        {
            if (tag == WireFormat.MakeTag(field, WireFormat.WireType.Fixed64)) return input.ReadFixed64();
            if (tag == WireFormat.MakeTag(field, WireFormat.WireType.Varint)) return input.ReadUInt64();
            input.SkipLastField();
        }
        return 0;
    }

    /// <param name="Start">Nanoseconds since 1970.</param>
    private sealed record Span(string Trace, string Id, string Parent, string Name, string Service, string Instance, ulong Start, ulong End,
        Dictionary<string, string> Tags);
}
