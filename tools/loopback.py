"""Bring up the loopback interface where it is down, as in `unshare -rn make test`.

Jupyter's kernels and a Dask cluster on one machine talk over it, network or not.
"""

import fcntl
import socket
import struct
import sys

GET_FLAGS, SET_FLAGS, UP = 0x8913, 0x8914, 1  # linux/sockios.h, linux/if.h


def main():
    request = struct.Struct("16sh14x")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        found = fcntl.ioctl(any_socket, GET_FLAGS, request.pack(b"lo", 0))
        flags = request.unpack(found)[1]
        if not flags & UP:
            fcntl.ioctl(any_socket, SET_FLAGS, request.pack(b"lo", flags | UP))


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"The loopback interface is down and cannot be brought up ({error}).")
