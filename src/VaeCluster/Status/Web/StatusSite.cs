using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using VaeCluster.Coordinator.Status;
using VaeCluster.Protocol.V1;

namespace VaeCluster.Status.Web;

/// <summary>
/// The status page for browsers, on the coordinator's metrics port, and what it asks for: GET / (the page, all in one file),
/// /status.json (as `vaecluster status --json`), /losses.json?points=N, /pictures.json and the pictures that this names. All
/// of it is answered from memory. There is no token on this port: whoever reaches it sees the run, and can change nothing.
/// </summary>
internal sealed class StatusSite(RunHistory history)
{
    private const string Json = "application/json";

    private static readonly string Page = ReadPage();

    // The page's own style and script, by their hashes, and nothing else.
    private static readonly string Policy = $"default-src 'none'; connect-src 'self'; img-src 'self' data:; style-src '{HashOf("style")}'; "
        + $"script-src '{HashOf("script")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Null while the coordinator starts. Set from any thread.</summary>
    public Func<RunStatus>? Status { get; set; }

    public void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/", context => AnswerAsync(context, "text/html; charset=utf-8", Page));
        endpoints.MapGet("/status.json", context => Status is { } status
            ? AnswerAsync(context, Json, StatusView.ToJson(status()) + "\n")
            : RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "The coordinator is starting."));
        endpoints.MapGet("/losses.json", context => PointsOf(context.Request) is { } points
            ? AnswerAsync(context, Json, history.LossesToJson(points).ToJsonString() + "\n")
            : RefuseAsync(context, StatusCodes.Status400BadRequest, $"points: a number from 1 to {LossSeries.Most}."));
        endpoints.MapGet("/pictures.json", context => AnswerAsync(context, Json, history.PicturesToJson().ToJsonString() + "\n"));
        endpoints.MapGet("/pictures/{file}", context => history.Find((string?)context.Request.RouteValues["file"]) is { } png
            ? AnswerAsync(context, "image/png", png)
            : RefuseAsync(context, StatusCodes.Status404NotFound, "There is no such picture, or no longer."));
    }

    private static int? PointsOf(HttpRequest request) => request.Query["points"] switch
    {
        [] => LossSeries.Most,
        [var text] when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var points) && points is >= 1 and <= LossSeries.Most => points,
        _ => null,
    };

    private static Task RefuseAsync(HttpContext context, int status, string reason)
    {
        context.Response.StatusCode = status;
        return AnswerAsync(context, "text/plain; charset=utf-8", reason + "\n");
    }

    private static Task AnswerAsync(HttpContext context, string type, string text) => AnswerAsync(context, type, Encoding.UTF8.GetBytes(text));

    private static Task AnswerAsync(HttpContext context, string type, byte[] body)
    {
        var response = context.Response;
        response.ContentType = type;
        response.ContentLength = body.Length;
        response.Headers.ContentSecurityPolicy = Policy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
        response.Headers.CacheControl = "no-store";
        return response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    private static string ReadPage()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("page.html") ?? throw new InvalidOperationException("page.html is missing.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static string HashOf(string element)
    {
        var start = Page.IndexOf($"<{element}>", StringComparison.Ordinal) + element.Length + 2;
        var text = Page[start..Page.IndexOf($"</{element}>", start, StringComparison.Ordinal)];
        return "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }
}
