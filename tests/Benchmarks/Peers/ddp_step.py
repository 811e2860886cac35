"""A training step of DistributedDataParallel on gloo in two processes of one thread each, half of the batch each: for each
line "COUNT" on standard input runs so many steps and prints the first one's seconds, one a line.

usage: ddp_step.py PRESET BATCH SIZE
"""
import sys
import time

import gloo
from training import training
from torch.nn.parallel import DistributedDataParallel

rank = gloo.ranks(2)
step = training(sys.argv[1], int(sys.argv[2]) // 2, int(sys.argv[3]), wrap=DistributedDataParallel)
for (count,) in gloo.orders(rank, 1):
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    if rank == 0:
        print(*times, "done", sep="\n", flush=True)
