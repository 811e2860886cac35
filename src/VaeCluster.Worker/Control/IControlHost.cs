using VaeCluster.Protocol.V1;

namespace VaeCluster.Worker.Control;

/// <summary>
/// What the connection asks of the worker, and tells it. All of it is called on the connection's tasks, must not block and
/// must not throw; <see cref="Received"/> is called for one message at a time, in their order.
/// </summary>
public interface IControlHost
{
    /// <summary>Who we are and what we are in the middle of, at this moment.</summary>
    Hello DescribeSelf();

    /// <summary>How we are; null before there is anything to tell. The sequence is filled in.</summary>
    Heartbeat? TakeHeartbeat();

    /// <summary>
    /// A message of the highest term: Welcome (at each connection), Plan, Halt, Restore, Finish or Refused. Answers to
    /// heartbeats and records stay with the connection.
    /// </summary>
    void Received(CoordinatorMessage message);
}
