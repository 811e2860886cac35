"""A training step of PyTorch on the reference models, one thread, which training_step.py and ddp_step.py time."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "Reference"))

import torch
import torch.nn as nn
import torch.nn.functional as F
from presets import PRESETS

torch.set_num_threads(1)
# Group norm takes fp32 here: in bf16 its weights are of another type than its input, which 1.13 refuses.
nn.GroupNorm.forward = lambda norm, x: F.group_norm(x.float(), norm.num_groups, norm.weight, norm.bias, norm.eps)


class Loss(nn.Module):
    """The objective as a module, so that it can be wrapped."""

    def __init__(self, model, recon, bf16):
        super().__init__()
        self.model, self.recon, self.bf16 = model, recon, bf16

    def forward(self, images):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
            mean, logvar = self.model.encode(images)
            logvar = torch.clamp(logvar, -30.0, 20.0)
            decoded = self.model.decode(mean + torch.exp(0.5 * logvar) * torch.randn_like(mean))
        decoded, mean, logvar = decoded.float(), mean.float(), logvar.float()
        if self.recon == "bce":
            loss = F.binary_cross_entropy_with_logits(decoded, images, reduction="sum")
        else:
            loss = F.mse_loss(decoded, images, reduction="sum")
        loss = loss + 0.5 * (mean ** 2 + torch.exp(logvar) - 1 - logvar).sum()
        return loss / images.shape[0]


def training(preset, batch, size, bf16=False, wrap=lambda module: module):
    """A function that takes one step on a batch of its own."""
    torch.manual_seed(1)
    build, shape, _, recon = PRESETS[preset][:4]
    loss = wrap(Loss(build(), recon, bf16))
    optimizer = torch.optim.Adam(loss.parameters(), lr=1e-4)
    images = torch.rand(batch, shape[0], size, size)

    def step():
        optimizer.zero_grad(set_to_none=True)
        value = loss(images)
        value.backward()
        optimizer.step()
        return value.item()

    return step
