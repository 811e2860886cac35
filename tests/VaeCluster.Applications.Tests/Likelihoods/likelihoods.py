"""likelihoods.py PRESET WEIGHTS IMAGES BETA DRAWS KEYS: negative ELBO and importance-weighted NLL of images by
torch.distributions. IMAGES: float32 in the model's range. KEYS: for each image its draws' seeds, with commas, images by
colons. Prints recon, KL, -ELBO, IW-NLL of each image."""
import json
import math
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch.distributions import Independent, Normal, kl_divergence

from presets import Mnist, StableDiffusion

torch.set_num_threads(1)
preset, weights, images, beta, draws, keys = sys.argv[1:]
beta, draws = float(beta), int(draws)
keys = [[int(key) for key in image.split(",")] for image in keys.split(":")]
with open(weights, "rb") as f:
    header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    data = bytearray(f.read())
header.pop("__metadata__", None)
types = {"F32": torch.float32, "I64": torch.int64}
tensors = {}
for name, entry in header.items():
    begin, end = entry["data_offsets"]
    dtype = types[entry["dtype"]]
    size = torch.empty(0, dtype=dtype).element_size()
    tensors[name] = torch.frombuffer(data, dtype=dtype, offset=begin, count=(end - begin) // size).view(entry["shape"])
model = Mnist() if preset == "mnist" else StableDiffusion([8, 16], 1, 4, 4)
model.load_state_dict(tensors, strict=True)
model.eval()
shape = (1, 28, 28) if preset == "mnist" else (3, 16, 16)
x = torch.from_numpy(np.fromfile(images, np.float32)).view(-1, *shape)

with torch.no_grad():
    mean, logvar = model.encode(x)
    for i in range(len(x)):
        q = Independent(Normal(mean[i].double(), (0.5 * logvar[i].double()).exp()), 3)
        p = Independent(Normal(torch.zeros_like(mean[i]).double(), 1.0), 3)
        logs, ratios, recons = [], [], []
        for key in keys[i][:draws]:
            noise = torch.randn(1, *mean.shape[1:], generator=torch.Generator().manual_seed(key))
            z = mean[i:i + 1] + (0.5 * logvar[i:i + 1]).exp() * noise
            y = model.decode(z)
            if preset == "mnist":
                recon = F.binary_cross_entropy_with_logits(y.double(), x[i:i + 1].double(), reduction="sum")
                log = -recon
            else:
                recon = ((y.double() - x[i:i + 1].double()) ** 2).sum()
                log = Normal(y.double(), math.sqrt(beta / 2)).log_prob(x[i:i + 1].double()).sum()
            recons.append(recon)
            logs.append(log)
            ratios.append(log + p.log_prob(z[0].double()) - q.log_prob(z[0].double()))
        kl = kl_divergence(q, p)
        print(torch.stack(recons).mean().item(), kl.item(), (kl - torch.stack(logs).mean()).item(),
              -(torch.logsumexp(torch.stack(ratios), 0) - math.log(draws)).item())
