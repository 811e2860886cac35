namespace Grpc.Core;

/// <summary>Where a channel's connection stands.</summary>
public enum ConnectivityState
{
    Idle,
    Connecting,
    Ready,
    TransientFailure,
    Shutdown,
}
