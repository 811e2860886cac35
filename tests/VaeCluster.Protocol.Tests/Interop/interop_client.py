"""Calls our server. usage: interop_client.py CASE ADDRESS [CERTIFICATE KEY AUTHORITIES]

Exits with 0 when all was as it should be.
"""
import asyncio
import hashlib
import sys
import time

import collective_pb2
import collective_pb2_grpc
import grpc
import health_pb2
import health_pb2_grpc
import interop_pb2
import interop_pb2_grpc
from interop_service import pattern

TIMEOUT = 30


def equal(expected, actual):
    assert expected == actual, f"expected {expected!r}, got {actual!r}"


async def fails(call, code):
    try:
        await call
    except grpc.aio.AioRpcError as error:
        equal(code, error.code())
        return error
    raise AssertionError(f"the call succeeded instead of failing with {code}")


async def unary(channel, stub):
    call = stub.Echo(
        interop_pb2.Item(text="hello \u2603", data=b"\x00\xff"),
        metadata=(("x-text", "v"), ("x-blob-bin", b"\x00\xff\x07")),
        timeout=TIMEOUT)
    answer = await call
    equal("hello \u2603", answer.text)
    equal(b"\x00\xff", answer.data)
    headers, trailers = await call.initial_metadata(), await call.trailing_metadata()
    equal("v", headers["h-text"])
    equal(b"\x00\xff\x07", headers["h-blob-bin"])
    equal("v", trailers["t-text"])
    equal(b"\x00\xff\x07", trailers["t-blob-bin"])


async def upload(channel, stub):
    digest = hashlib.sha256()
    for number in range(100):
        digest.update(pattern(number, 1 << 20))

    async def items():
        for number in range(100):
            yield interop_pb2.Item(data=pattern(number, 1 << 20))

    summary = await stub.Upload(items(), timeout=TIMEOUT)
    equal((100, 100 << 20, digest.digest()), (summary.count, summary.bytes, summary.sha256))


async def download(channel, stub):
    number = 0
    async for item in stub.Download(interop_pb2.Order(count=100, bytes=1 << 20), timeout=TIMEOUT):
        assert item.data == pattern(number, 1 << 20), f"item {number} is not what was ordered"
        number += 1
    equal(100, number)


async def chat(channel, stub):
    call = stub.Chat(timeout=TIMEOUT)
    for text in ("a", "b", "c"):
        await call.write(interop_pb2.Item(text=text))
        equal(text, (await call.read()).text)
    await call.done_writing()
    equal(grpc.aio.EOF, await call.read())
    equal(grpc.StatusCode.OK, await call.code())


async def error(channel, stub):
    for code in grpc.StatusCode:
        if code == grpc.StatusCode.OK:
            continue
        detail = f"na\u00efve \u2603 100% {code.name}\nsecond line"
        failure = await fails(stub.Fail(interop_pb2.Failure(code=code.value[0], detail=detail), timeout=TIMEOUT), code)
        equal(detail, failure.details())
        equal(b"\x00\xff", failure.trailing_metadata()["why-bin"])
    unknown = channel.unary_unary("/vaecluster.tests.Interop/Missing")
    await fails(unknown(b"", timeout=TIMEOUT), grpc.StatusCode.UNIMPLEMENTED)


async def deadline(channel, stub):
    started = time.monotonic()
    call = stub.Hang(interop_pb2.Item(text="deadline"), timeout=2)
    equal("deadline", (await call.read()).text)
    await fails(call.read(), grpc.StatusCode.DEADLINE_EXCEEDED)
    assert time.monotonic() - started >= 1.99
    seen = await stub.HowItEnded(interop_pb2.Item(text="deadline"), timeout=TIMEOUT)
    assert seen.cancelled
    assert 0 < seen.seconds_left <= 2, seen.seconds_left


async def cancel(channel, stub):
    call = stub.Hang(interop_pb2.Item(text="cancel"), timeout=TIMEOUT)
    equal("cancel", (await call.read()).text)
    call.cancel()
    try:
        await call.read()
        raise AssertionError("a cancelled call went on")
    except asyncio.CancelledError:
        pass
    equal(grpc.StatusCode.CANCELLED, await call.code())
    assert (await stub.HowItEnded(interop_pb2.Item(text="cancel"), timeout=TIMEOUT)).cancelled


async def crowd(channel, stub):
    order = interop_pb2.Order(count=1000)
    answers = await asyncio.gather(*(stub.Crowd(order, timeout=TIMEOUT) for _ in range(1000)))
    equal(1000, len(answers))


async def segments(channel, stub):
    """The segments that the test expects, written by plain protobuf."""
    call = collective_pb2_grpc.CollectiveStub(channel).Exchange(timeout=TIMEOUT)
    for number in range(4):
        await call.write(collective_pb2.Segment(
            run="mnist-1",
            generation=collective_pb2.Generation(term=3, number=1 << 40),
            known_generation=collective_pb2.Generation(term=4),
            step=1 << 63,
            bucket=number,
            chunk=0xffffffff,
            phase=collective_pb2.PHASE_GATHER,
            format=collective_pb2.WIRE_FORMAT_BFLOAT16,
            offset=number * 1000,
            first_slot=4,
            slots=2,
            sender=1,
            payload=pattern(number, 300_001 * number)))
        receipt = await call.read()
        equal((4, 1 << 63), (receipt.known_generation.term, receipt.step))
    await call.done_writing()
    equal(grpc.aio.EOF, await call.read())
    equal(grpc.StatusCode.OK, await call.code())


async def health(channel, stub):
    serving = health_pb2.HealthCheckResponse.ServingStatus.Value
    client = health_pb2_grpc.HealthStub(channel)
    equal(serving("SERVING"), (await client.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT)).status)
    await fails(client.Check(health_pb2.HealthCheckRequest(service="no.such"), timeout=TIMEOUT), grpc.StatusCode.NOT_FOUND)
    watch = client.Watch(health_pb2.HealthCheckRequest(service="worker"), timeout=TIMEOUT)
    # The test changes the status whenever it reads a line.
    for status in ("SERVICE_UNKNOWN", "SERVING", "NOT_SERVING", "SERVING"):
        equal(serving(status), (await watch.read()).status)
        print(status, flush=True)
    watch.cancel()


def read(path):
    with open(path, "rb") as file:
        return file.read()


async def main():
    case, address = sys.argv[1:3]
    if len(sys.argv) > 3:
        certificate, key, authorities = map(read, sys.argv[3:6])
        channel = grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(authorities, key, certificate))
    else:
        channel = grpc.aio.insecure_channel(address)
    async with channel:
        await globals()[case](channel, interop_pb2_grpc.InteropStub(channel))


asyncio.run(main())
