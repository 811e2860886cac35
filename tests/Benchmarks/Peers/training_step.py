"""A training step of PyTorch, one thread: for each line "COUNT" on standard input runs so many steps and prints their
seconds, one a line.

usage: training_step.py PRESET BATCH SIZE [bf16]
"""
import sys
import time

from training import training

step = training(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), bf16=len(sys.argv) > 4)
for line in sys.stdin:
    for _ in range(int(line)):
        begun = time.perf_counter()
        step()
        print(time.perf_counter() - begun)
    print("done", flush=True)
