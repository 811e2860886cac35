// Each of them is a cluster of processes; two at a time would only make leases end.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
