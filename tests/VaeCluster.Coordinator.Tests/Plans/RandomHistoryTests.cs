using VaeCluster.Protocol.V1;

namespace VaeCluster.Coordinator.Tests.Plans;

/// <summary>
/// Joins, kills, stops, drains, broken links and coordinators that restart, at random. <see cref="Simulation"/> checks
/// after each event that plans partition the slots, that generations grow and that no two plans can make steps.
/// </summary>
public sealed class RandomHistoryTests
{
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Decide_AnyHistory_KeepsItsPromisesAndGetsOn(int seed)
    {
        var random = new Random(seed);
        var simulation = new Simulation(slots: random.Next(1, 17)) { DecidesLate = seed % 2 == 0 };
        var workers = new List<ScriptedWorker>();
        var (names, term, done) = (0, 1ul, 0ul);
        for (var move = 0; move < 300; move++)
        {
            var one = workers.Count == 0 ? null : workers[random.Next(workers.Count)];
            switch (random.Next(13))
            {
                case 0 or 1 when workers.Count < 8:
                    workers.Add(simulation.Come($"w{++names}", worker => (worker.TotalSteps, worker.Checkpoint) = (1_000_000, done)));
                    break;
                case 2 when one is not null && random.Next(2) == 0:
                    simulation.Kill(one);
                    workers.Remove(one);
                    break;
                case 3 when one is not null:
                    simulation.Stop(one);
                    break;
                case 4:
                    foreach (var worker in workers) simulation.Continue(worker);
                    break;
                case 5 when one is not null && random.Next(3) == 0:
                    simulation.Say(one, one.Goodbye(Goodbye.Types.Kind.LeaveAsked));
                    break;
                case 6 when workers.Count > 1 && random.Next(3) == 0:
                    simulation.Say(one!, one!.PeerLost(workers[random.Next(workers.Count)].Id));
                    break;
                case 7 when random.Next(6) == 0:
                    simulation = new Simulation(simulation.Run.Slots, ++term, now: simulation.Now);
                    foreach (var worker in workers.Where(_ => random.Next(4) > 0).ToList()) simulation.Connect(worker);
                    break;
                case 12 when one is not null && workers[random.Next(workers.Count)] is var other && other != one:
                    simulation.Break(one, other, othersAreDone: random.Next(2) == 0);
                    break;
                case 8 when one is not null:
                    simulation.Disconnect(one);
                    simulation.Connect(one);
                    break;
                default:
                    simulation.Advance(random.NextDouble());
                    break;
            }
            foreach (var worker in workers) worker.SlotSeconds = 0.01 * (1 + random.Next(4));
            if (random.Next(2) == 0) simulation.Step();
            Leave();
            // The newest state that anyone holds is never lost while its holder lives, and no step is made twice by a plan.
            done = Math.Max(done, workers.Select(worker => worker.CompletedSteps ?? 0).DefaultIfEmpty().Max());
        }

        // When all is quiet, whoever is there trains.
        foreach (var worker in workers) simulation.Continue(worker);
        foreach (var worker in workers.Where(worker => !simulation.Connected.Contains(worker)).ToList()) simulation.Connect(worker);
        workers.Add(simulation.Come("last", worker => (worker.TotalSteps, worker.Checkpoint) = (1_000_000, done)));
        for (var round = 0; round < 100; round++)
        {
            simulation.Advance(5);
            simulation.Step();
            Leave();
        }
        Assert.True(simulation.Step(), $"Seed {seed}: nobody makes steps: {simulation.Reason}");

        void Leave()
        {
            foreach (var worker in workers.Where(worker => worker.Finish is not null).ToList())
            {
                simulation.Say(worker, worker.Goodbye(Goodbye.Types.Kind.LeaveDone));
                simulation.Disconnect(worker);
                workers.Remove(worker);
            }
        }
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 40)];
}
