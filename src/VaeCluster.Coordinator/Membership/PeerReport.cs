namespace VaeCluster.Coordinator.Membership;

/// <summary>A member's word that it can't reach another one.</summary>
public sealed record PeerReport(string Reporter, string Lost, TimeSpan At, string Reason);
