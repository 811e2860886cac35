"""torch.save of a training state, with fsync: for each line "COUNT" on standard input so many saves, their seconds one a line.

usage: checkpoint_save.py FOLDER BYTES
"""
import os
import sys
import time

import torch

torch.set_num_threads(1)
folder, total = sys.argv[1], int(sys.argv[2])
tensors = 150
state = {f"tensor{i}": torch.randn(total // tensors // 4) for i in range(tensors)}
for line in sys.stdin:
    for _ in range(int(line)):
        begun = time.perf_counter()
        with open(os.path.join(folder, "state.tmp"), "wb") as f:
            torch.save(state, f)
            f.flush()
            os.fsync(f.fileno())
        os.rename(os.path.join(folder, "state.tmp"), os.path.join(folder, "state.pt"))
        print(time.perf_counter() - begun)
    print("done", flush=True)
