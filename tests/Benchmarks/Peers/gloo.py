"""Processes of one group on gloo: the first one is told what to do by its standard input, the others by it."""
import os
import shutil
import subprocess
import sys
import tempfile

import torch
import torch.distributed as dist


def ranks(count):
    """Starts this script again for each other rank and joins all to a group. Returns the own rank."""
    torch.set_num_threads(1)
    rank = int(os.environ.get("RANK", 0))
    folder = os.environ.get("GROUP") or tempfile.mkdtemp()
    for other in range(1, count if rank == 0 else 0):
        subprocess.Popen([sys.executable, *sys.argv], stdin=subprocess.DEVNULL, env={**os.environ, "RANK": str(other), "GROUP": folder})
    dist.init_process_group("gloo", init_method=f"file://{folder}/group", rank=rank, world_size=count)
    dist.barrier()
    if rank == 0:
        shutil.rmtree(folder)
    return rank


def orders(rank, fields):
    """The lines of the first rank's standard input, each as so many integers, on every rank."""
    while True:
        order = torch.zeros(fields, dtype=torch.int64)
        if rank == 0:
            line = sys.stdin.readline().split()
            order = torch.tensor([int(field) for field in line] or [0] * fields)
        dist.broadcast(order, 0)
        if not order.any():
            return
        yield order.tolist()
