"""All-reduce of floats by gloo: for each line "BYTES COUNT" on standard input so many of them; prints the CPU seconds of all
processes together, then the first one's wall seconds, one a line.

usage: gloo_all_reduce.py MEMBERS
"""
import os
import sys
import time

import gloo
import torch
import torch.distributed as dist

rank = gloo.ranks(int(sys.argv[1]))
for size, count in gloo.orders(rank, 2):
    values = torch.zeros(size // 4)
    dist.all_reduce(values)  # pages touched, connections open
    times, cpu = [], time.process_time()
    for _ in range(count):
        begun = time.perf_counter()
        dist.all_reduce(values)
        times.append(time.perf_counter() - begun)
    spent = torch.tensor([time.process_time() - cpu], dtype=torch.float64)
    dist.all_reduce(spent)
    if rank == 0:
        print(spent.item(), *times, "done", sep="\n", flush=True)
