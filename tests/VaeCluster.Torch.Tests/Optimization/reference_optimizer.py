"""PyTorch's optimizers on one flat parameter: weights before, a gradient per step, weights after, as raw float32.

usage: reference_optimizer.py OUT NAME STEPS COUNT WEIGHT_DECAY CLIP
"""
import sys

import torch

out, name, steps, count, weight_decay, clip = sys.argv[1], sys.argv[2], *map(float, sys.argv[3:])
torch.manual_seed(3)
torch.set_num_threads(1)
weights = torch.nn.Parameter(torch.randn(int(count)))
optimizers = {
    "adam": lambda: torch.optim.Adam([weights], lr=1e-3, weight_decay=weight_decay, foreach=False),
    "adamw": lambda: torch.optim.AdamW([weights], lr=1e-3, weight_decay=weight_decay, foreach=False),
    "sgd": lambda: torch.optim.SGD([weights], lr=1e-2, momentum=0.9, weight_decay=weight_decay, foreach=False),
}
optimizer = optimizers[name]()
parts = [weights.detach().clone()]
for step in range(int(steps)):
    gradient = torch.randn(int(count)) * 10.0 ** (step % 5 - 3)
    parts.append(gradient)
    weights.grad = gradient.clone()
    if clip > 0:
        weights.grad *= min(1.0, clip / gradient.double().norm().item())
    optimizer.step()
parts.append(weights.detach())
with open(out, "wb") as file:
    for part in parts:
        file.write(part.numpy().tobytes())
