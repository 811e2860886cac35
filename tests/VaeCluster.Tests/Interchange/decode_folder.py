"""decode_folder.py FOLDER OUT: reads a diffusers folder as its format is described, builds the model in plain PyTorch from its
config.json, and writes OUT (safetensors): latents, drawn and flat, with what the model decodes them to."""
import json
import struct
import sys

import torch

from presets import StableDiffusion
from safetensors import save

torch.set_num_threads(1)
folder, out = sys.argv[1:]
config = json.load(open(folder + "/config.json"))
with open(folder + "/diffusion_pytorch_model.safetensors", "rb") as f:
    length = struct.unpack("<Q", f.read(8))[0]
    assert length % 8 == 0
    header = json.loads(f.read(length))
    data = bytearray(f.read())
assert header.pop("__metadata__") == {"format": "pt"}
assert all(entry["dtype"] == "F32" for entry in header.values())
tensors = {
    name: torch.frombuffer(data, dtype=torch.float32, offset=entry["data_offsets"][0],
                           count=(entry["data_offsets"][1] - entry["data_offsets"][0]) // 4).view(entry["shape"])
    for name, entry in header.items()
}
model = StableDiffusion(config["block_out_channels"], config["layers_per_block"], config["latent_channels"], config["norm_num_groups"])
model.load_state_dict(tensors, strict=True)
torch.manual_seed(1)
side = 32 >> (len(config["block_out_channels"]) - 1)
drawn = torch.randn(1, config["latent_channels"], side, side)
flat_image = torch.full((1, config["in_channels"], 32, 32), 0.1)
with torch.no_grad():
    flat = model.encode(flat_image)[0]
    save(out, {"image": flat_image, "mean": flat.contiguous(), "drawn": drawn,
               "decoded": model.decode(drawn), "decoded_flat": model.decode(flat)})
