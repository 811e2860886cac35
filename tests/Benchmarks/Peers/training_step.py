"""A training step of PyTorch, one thread: for each line "COUNT" on standard input runs so many steps and prints their
seconds, one a line.

usage: training_step.py PRESET BATCH SIZE [bf16]
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "Reference"))

import torch
import torch.nn.functional as F
from presets import PRESETS

preset, batch, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
bf16 = len(sys.argv) > 4
torch.set_num_threads(1)
torch.manual_seed(1)
build, shape, _, recon = PRESETS[preset][:4]
model = build()
# Group norm takes fp32 here: in bf16 its weights are of another type than its input, which 1.13 refuses.
torch.nn.GroupNorm.forward = lambda norm, x: F.group_norm(x.float(), norm.num_groups, norm.weight, norm.bias, norm.eps)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
images = torch.rand(batch, shape[0], size, size)


def step():
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        mean, logvar = model.encode(images)
        logvar = torch.clamp(logvar, -30.0, 20.0)
        decoded = model.decode(mean + torch.exp(0.5 * logvar) * torch.randn_like(mean))
    decoded, mean, logvar = decoded.float(), mean.float(), logvar.float()
    if recon == "bce":
        loss = F.binary_cross_entropy_with_logits(decoded, images, reduction="sum")
    else:
        loss = F.mse_loss(decoded, images, reduction="sum")
    loss = loss + 0.5 * (mean ** 2 + torch.exp(logvar) - 1 - logvar).sum()
    (loss / batch).backward()
    optimizer.step()
    return loss.item()


for line in sys.stdin:
    for _ in range(int(line)):
        begun = time.perf_counter()
        step()
        print(time.perf_counter() - begun)
    print("done", flush=True)
