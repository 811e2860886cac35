"""The safetensors format in a few lines, after its description and nothing else.

read FILE prints what the file holds as JSON: where the data starts, the metadata, {name: [shape, values]}.
write FILE writes a known file.
"""
import json
import struct
import sys

CODES = {"F32": "f", "F16": "e", "F64": "d", "I64": "q", "I32": "i", "I16": "h", "I8": "b", "U8": "B", "BOOL": "?"}


def values(dtype, data):
    if dtype == "BF16":  # the upper half of an F32
        return [struct.unpack("<f", b"\0\0" + data[i:i + 2])[0] for i in range(0, len(data), 2)]
    code = CODES[dtype]
    return list(struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data))


def read(path):
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + length])
    data = content[8 + length:]
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = [entry["shape"], values(entry["dtype"], data[begin:end])]
    print(json.dumps({"start": 8 + length, "metadata": metadata, "tensors": tensors}))


def write(path):
    data = struct.pack("<6f", *(0.5 * i for i in range(6))) + struct.pack("<2q", 5, -1)
    header = json.dumps({
        "__metadata__": {"format": "pt"},
        "steps": {"dtype": "I64", "shape": [2], "data_offsets": [24, 40]},
        "weights": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    }).encode()
    header += b" " * (-len(header) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + data)


{"read": read, "write": write}[sys.argv[1]](sys.argv[2])
