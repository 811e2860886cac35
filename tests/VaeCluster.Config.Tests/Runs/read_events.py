"""Reads TensorBoard event files without TensorBoard: checks each record's framing, prints its events as JSON.

Knows the fields of event.proto and summary.proto by number, and CRC-32C by its polynomial.
"""
import json
import struct
import sys

TABLE = []
for index in range(256):
    value = index
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    TABLE.append(value)


def masked_crc(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return (crc >> 15 | crc << 17) + 0xA282EAD8 & 0xFFFFFFFF


def records(data):
    at = 0
    while at < len(data):
        length, check = struct.unpack_from("<QI", data, at)
        assert masked_crc(data[at:at + 8]) == check, f"length at {at}"
        payload = data[at + 12:at + 12 + length]
        assert len(payload) == length, f"cut off at {at}"
        assert masked_crc(payload) == struct.unpack_from("<I", data, at + 12 + length)[0], f"record at {at}"
        yield payload
        at += 16 + length


def varint(data, at):
    result = shift = 0
    while True:
        byte = data[at]
        result |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return result, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        elif kind == 5:
            value, at = struct.unpack_from("<f", data, at)[0], at + 4
        else:
            assert kind == 2, kind
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
            assert len(value) == length
        yield key >> 3, value


def event(data):
    result = {}
    for field, value in fields(data):
        if field == 1:
            result["wall_time"] = value
        elif field == 2:
            result["step"] = value
        elif field == 3:
            result["file_version"] = value.decode()
        elif field == 5:
            for number, content in fields(value):
                assert number == 1, number
                part = dict(fields(content))
                tag = part.pop(1).decode()
                if 2 in part:
                    result.setdefault("scalars", {})[tag] = part.pop(2)
                else:
                    image = dict(fields(part.pop(4)))
                    result.setdefault("images", {})[tag] = [image[1], image[2], image[3], len(image[4]), image[4][:4].hex()]
                assert not part, part
        elif field == 7:
            result["session"] = dict(fields(value))
        else:
            raise AssertionError(field)
    return result


for path in sys.argv[1:]:
    with open(path, "rb") as file:
        for payload in records(file.read()):
            print(json.dumps(event(payload)))
