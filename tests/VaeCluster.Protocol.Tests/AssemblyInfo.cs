using VaeCluster.Protocol.Tests.Interop;

[assembly: AssemblyFixture(typeof(Python))]
