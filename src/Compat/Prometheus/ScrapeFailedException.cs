namespace Prometheus;

/// <summary>Thrown by a callback before collection to fail the scrape: Prometheus gets status 503 and the message.</summary>
public class ScrapeFailedException : Exception
{
    public ScrapeFailedException() { }
    public ScrapeFailedException(string message) : base(message) { }
    public ScrapeFailedException(string message, Exception inner) : base(message, inner) { }
}
