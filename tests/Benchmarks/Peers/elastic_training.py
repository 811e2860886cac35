"""torchrun's elastic restart: trains tiny on gloo in processes that are started again, all of them, when one is lost. Each
process prints "rank RANK PID" once it has joined the group, the first one "step" after each step.

usage: elastic_training.py PROCESSES MONITOR_SECONDS BATCH SIZE
"""
import os
import sys

if "LOCAL_RANK" not in os.environ:
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import Std

    # 1.13 on Python 3.11: it takes "0" for none of the flags, and not for NONE.
    Std.from_str = classmethod(lambda cls, value: Std.NONE)
    processes, monitor = sys.argv[1:3]
    run.main(["--standalone", "--nproc_per_node", processes, "--max_restarts", "1000", "--monitor_interval", monitor,
              os.path.abspath(__file__), *sys.argv[1:]])
else:
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel
    from training import training

    dist.init_process_group("gloo")
    rank = dist.get_rank()
    step = training("tiny", int(sys.argv[3]) // int(sys.argv[1]), int(sys.argv[4]), wrap=DistributedDataParallel)
    # In one write each: torchrun's processes share the pipe, and have it unbuffered.
    os.write(1, f"rank {rank} {os.getpid()}\n".encode())
    while True:
        step()
        if rank == 0:
            os.write(1, b"step\n")
