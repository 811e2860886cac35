"""Interop and Collective on grpcio: the foreign side of the tests."""
import asyncio
import hashlib
import json

import collective_pb2
import collective_pb2_grpc
import grpc
import interop_pb2
import interop_pb2_grpc


def pattern(number, size):
    base = bytes(range(256)) * (size // 256 + 2)
    start = number % 256
    return base[start:start + size]


class Interop(interop_pb2_grpc.InteropServicer):
    def __init__(self):
        self.ended = {}
        self.crowd = 0
        self.crowd_complete = asyncio.Event()

    async def Echo(self, request, context):
        sent = [(key, value) for key, value in context.invocation_metadata() if key.startswith("x-")]
        await context.send_initial_metadata([("h-" + key[2:], value) for key, value in sent])
        context.set_trailing_metadata([("t-" + key[2:], value) for key, value in sent])
        return request

    async def Upload(self, requests, context):
        count, size, digest = 0, 0, hashlib.sha256()
        async for item in requests:
            count, size = count + 1, size + len(item.data)
            digest.update(item.data)
        return interop_pb2.Summary(count=count, bytes=size, sha256=digest.digest())

    async def Download(self, request, context):
        for number in range(request.count):
            yield interop_pb2.Item(data=pattern(number, request.bytes))

    async def Chat(self, requests, context):
        async for item in requests:
            yield item

    async def Fail(self, request, context):
        code = next(code for code in grpc.StatusCode if code.value[0] == request.code)
        await context.abort(code, request.detail, (("why-bin", b"\x00\xff"),))

    def ending(self, key):
        return self.ended.setdefault(key, asyncio.get_running_loop().create_future())

    async def Hang(self, request, context):
        left = context.time_remaining() or 0
        try:
            yield request
            await asyncio.sleep(60)
        except (asyncio.CancelledError, GeneratorExit):  # the latter where the call ended while the item was still on its way
            self.ending(request.text).set_result(interop_pb2.Seen(seconds_left=left, cancelled=True))
            raise

    async def HowItEnded(self, request, context):
        return await asyncio.shield(self.ending(request.text))

    async def Crowd(self, request, context):
        self.crowd += 1
        if self.crowd == request.count:
            self.crowd_complete.set()
        await self.crowd_complete.wait()
        return interop_pb2.Item()


class Collective(collective_pb2_grpc.CollectiveServicer):
    """Prints what plain protobuf reads from each segment, for the test to compare."""

    async def Exchange(self, requests, context):
        async for segment in requests:
            print(json.dumps(describe(segment)), flush=True)
            yield collective_pb2.Receipt(known_generation=segment.known_generation, step=segment.step)


def describe(segment):
    return {
        "run": segment.run,
        "generation": [segment.generation.term, segment.generation.number],
        "known_generation": [segment.known_generation.term, segment.known_generation.number],
        "step": segment.step,
        "bucket": segment.bucket,
        "chunk": segment.chunk,
        "phase": collective_pb2.Phase.Name(segment.phase),
        "format": collective_pb2.WireFormat.Name(segment.format),
        "offset": segment.offset,
        "first_slot": segment.first_slot,
        "slots": segment.slots,
        "sender": segment.sender,
        "bytes": len(segment.payload),
        "sha256": hashlib.sha256(segment.payload).hexdigest(),
    }
