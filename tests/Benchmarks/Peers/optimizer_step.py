"""PyTorch's Adam over a model's parameters, one thread: for each line "COUNT" on standard input runs so many steps and
prints their seconds, one a line.

usage: optimizer_step.py PRESET
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "Reference"))

import torch
from presets import PRESETS

torch.set_num_threads(1)
model = PRESETS[sys.argv[1]][0]()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
for parameter in model.parameters():
    parameter.grad = torch.randn_like(parameter)
for line in sys.stdin:
    for _ in range(int(line)):
        begun = time.perf_counter()
        optimizer.step()
        print(time.perf_counter() - begun)
    print("done", flush=True)
