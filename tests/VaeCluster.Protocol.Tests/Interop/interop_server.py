"""Serves until its input ends. usage: interop_server.py ADDRESS [CERTIFICATE KEY AUTHORITIES]

Prints the port first.
"""
import asyncio
import sys

import collective_pb2_grpc
import grpc
import interop_pb2_grpc
from interop_service import Collective, Interop


def read(path):
    with open(path, "rb") as file:
        return file.read()


async def main():
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    interop_pb2_grpc.add_InteropServicer_to_server(Interop(), server)
    collective_pb2_grpc.add_CollectiveServicer_to_server(Collective(), server)
    address = sys.argv[1]
    if len(sys.argv) > 2:
        certificate, key, authorities = map(read, sys.argv[2:5])
        credentials = grpc.ssl_server_credentials([(key, certificate)], authorities, require_client_auth=True)
        port = server.add_secure_port(address, credentials)
    else:
        port = server.add_insecure_port(address)
    await server.start()
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop(None)


asyncio.run(main())
