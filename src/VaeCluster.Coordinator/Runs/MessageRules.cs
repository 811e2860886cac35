using VaeCluster.Protocol.Transport;
using Wire = VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Runs;

/// <summary>The form that a worker's messages have to have, whatever the run is like: what coordinator.proto says of sizes and ranges.</summary>
public static class MessageRules
{
    private const int MostName = 64;
    private const int MostText = 1024;
    private const int MostFingerprint = 64;
    private const int MostRecords = 1024;
    private const int HashBytes = 32;
    private const ulong MostSteps = 1UL << 53;

    /// <summary>What is wrong with a message, as a sentence; null for a good one.</summary>
    public static string? Mistake(Wire.WorkerMessage message, bool isFirst)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (message.Run.Length > MostName) return $"run has at most {MostName} characters.";
        if (isFirst != (message.ContentCase == Wire.WorkerMessage.ContentOneofCase.Hello)) return "The first message is a hello, and only the first.";
        return message.ContentCase switch
        {
            Wire.WorkerMessage.ContentOneofCase.Hello => Hello(message.Hello),
            Wire.WorkerMessage.ContentOneofCase.Ready => Ready(message.Ready),
            Wire.WorkerMessage.ContentOneofCase.Heartbeat => Heartbeat(message.Heartbeat),
            Wire.WorkerMessage.ContentOneofCase.PeerLost => Name("worker_id", message.PeerLost.WorkerId)
                ?? Text("reason", message.PeerLost.Reason) ?? (message.PeerLost.Generation is null ? "peer_lost names a generation." : null),
            Wire.WorkerMessage.ContentOneofCase.Halted => message.Halted.Generation is null ? "halted names a generation."
                : Steps(message.Halted.CompletedSteps),
            Wire.WorkerMessage.ContentOneofCase.StepRecords => Records(message.StepRecords),
            Wire.WorkerMessage.ContentOneofCase.Goodbye => message.Goodbye.Kind == Wire.Goodbye.Types.Kind.Unspecified
                ? "goodbye has a kind." : Text("reason", message.Goodbye.Reason),
            Wire.WorkerMessage.ContentOneofCase.SlotFailed => Text("error", message.SlotFailed.Error) ?? Steps(message.SlotFailed.Step),
            Wire.WorkerMessage.ContentOneofCase.StateHash => Hash("sha256", message.StateHash.Sha256.Length) ?? Steps(message.StateHash.CompletedSteps),
            Wire.WorkerMessage.ContentOneofCase.SlotHash => message.SlotHash.Generation is null ? "slot_hash names a generation."
                : Hash("sha256", message.SlotHash.Sha256.Length) ?? Steps(message.SlotHash.Step),
            Wire.WorkerMessage.ContentOneofCase.CheckpointWritten => Text("path", message.CheckpointWritten.Path) ?? Steps(message.CheckpointWritten.CompletedSteps),
            _ => "The message has no content that is known here.",
        };
    }

    private static string? Hello(Wire.Hello hello)
    {
        if (Name("worker_id", hello.WorkerId) is { } id) return id;
        if (hello.WorkerId.Any(letter => !char.IsAsciiLetterOrDigit(letter) && letter is not ('.' or '_' or '-')))
            return "worker_id has letters, digits, '.', '_' and '-' only.";
        if (Name("instance", hello.Instance) is { } instance) return instance;
        if (hello.Endpoint.Length > MostText || !TransportAddress.TryParse(hello.Endpoint, out _))
            return "endpoint is http://host:port, https://host:port or unix:/path.";
        if (hello.MostSlots > int.MaxValue) return "most_slots is too large.";
        return Text("host", hello.Host) ?? Text("boot_id", hello.BootId) ?? Steps(hello.CompletedSteps)
            ?? (hello.Ready is null ? null : Ready(hello.Ready));
    }

    private static string? Ready(Wire.Ready ready)
    {
        if (ready.Fingerprint.Count > MostFingerprint || ready.Fingerprint.Any(entry => entry.Key.Length > MostName || entry.Value.Length > MostText))
            return $"fingerprint has at most {MostFingerprint} entries of {MostText} characters.";
        return Text("manifest_id", ready.ManifestId) ?? Steps(ready.CompletedSteps) ?? Steps(ready.TotalSteps);
    }

    private static string? Heartbeat(Wire.Heartbeat heartbeat)
    {
        if (!double.IsFinite(heartbeat.SlotSeconds) || heartbeat.SlotSeconds < 0) return "slot_seconds is a number of seconds.";
        if (!double.IsFinite(heartbeat.ImagesPerSecond) || heartbeat.ImagesPerSecond < 0) return "images_per_second is a rate.";
        return Steps(heartbeat.CompletedSteps);
    }

    private static string? Records(Wire.StepRecords records)
    {
        if (records.Records.Count > MostRecords) return $"step_records has at most {MostRecords}.";
        foreach (var record in records.Records)
        {
            if (record.Generation is null) return "A record names a generation.";
            if (Steps(record.Step) is { } mistake) return mistake;
            if (record.Epoch >= MostSteps || record.FirstPosition >= MostSteps) return "A record's epoch or position is too large.";
            if (!record.StateSha256.IsEmpty && Hash("state_sha256", record.StateSha256.Length) is { } hash) return hash;
        }
        return null;
    }

    private static string? Name(string field, string value) => value.Length is 0 or > MostName ? $"{field} has 1 to {MostName} characters." : null;

    private static string? Text(string field, string value) => value.Length > MostText ? $"{field} has at most {MostText} characters." : null;

    private static string? Hash(string field, int length) => length == HashBytes ? null : $"{field} has {HashBytes} bytes.";

    // Sums of steps can't overflow then, and JSON keeps them exact.
    private static string? Steps(ulong steps) => steps < MostSteps ? null : "A number of steps is too large.";
}
