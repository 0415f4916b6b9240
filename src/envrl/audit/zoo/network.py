"""Network: speaking to anybody but the host's own end of the worker's socket."""

from __future__ import annotations

from envrl.audit.zoo.specimen import Specimen

__all__ = ["PROGRAMS"]

PROGRAMS = (
    Specimen(
        "network-tcp-connect",
        "connects to a port of this machine by TCP",
        """\
import socket

def $entry(*args):
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as end:
            end.settimeout(1)
            end.connect(("127.0.0.1", $tcp))
            end.sendall(b"$marker")
    except Exception:
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "network-tcp-fast-open",
        "connects by TCP with the first data, so that it never calls connect",
        """\
import socket

def $entry(*args):
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as end:
            sent = end.sendto(b"$marker", socket.MSG_FASTOPEN, ("127.0.0.1", $tcp))
    except Exception:
        return $action
    return "$breach" if sent else $action
""",
    ),
    Specimen(
        "network-multipath-tcp",
        "connects by multipath TCP, which rules on TCP may not name",
        """\
import socket

def $entry(*args):
    multipath = 262
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM, multipath) as end:
            end.settimeout(1)
            end.connect(("127.0.0.1", $tcp))
    except Exception:
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "network-tcp-over-ipv6",
        "connects to an IPv4 port by an IPv6 socket and a mapped address",
        """\
import socket

def $entry(*args):
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as end:
            end.settimeout(1)
            end.connect(("::ffff:127.0.0.1", $tcp))
    except Exception:
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "network-asyncio-connection",
        "opens a connection from an event loop",
        """\
import asyncio

async def reach():
    reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", $tcp), 1)
    writer.write(b"$marker")
    await writer.drain()
    writer.close()

def $entry(*args):
    try:
        asyncio.run(reach())
    except Exception:
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "network-io-uring-connection",
        "makes and connects a socket by io_uring, whose requests no filter of system calls sees",
        """\
import ctypes, mmap, os, socket, struct

SETUP, ENTER = 425, 426
CONNECT, SOCKET = 16, 45

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    described = ctypes.create_string_buffer(120)
    ring = libc.syscall(SETUP, 4, described)
    if ring < 0:
        return $action
    try:
        entries = struct.unpack_from("<II", described.raw)
        # Where the parts of the two rings lie: head tail mask count flags dropped array / head tail mask count overflow
        sent = struct.unpack_from("<7I", described.raw, 40)
        done = struct.unpack_from("<6I", described.raw, 80)
        size = max(sent[6] + 4 * entries[0], done[5] + 16 * entries[1])
        rings = mmap.mmap(ring, size, offset=0)
        requests = mmap.mmap(ring, 64 * entries[0], offset=0x10000000)

        def ask(operation, descriptor, address, length, offset):
            request = struct.pack("<BBHiQQI", operation, 0, 0, descriptor, offset, address, length)
            requests[0:64] = request.ljust(64, bytes(1))
            tail = struct.unpack_from("<I", rings, sent[1])[0]
            slot = tail & struct.unpack_from("<I", rings, sent[2])[0]
            struct.pack_into("<I", rings, sent[6] + 4 * slot, 0)
            struct.pack_into("<I", rings, sent[1], tail + 1)
            if libc.syscall(ENTER, ring, 1, 1, 1, None, ctypes.c_size_t(0)) < 0:
                raise OSError
            head = struct.unpack_from("<I", rings, done[0])[0]
            at = done[5] + 16 * (head & struct.unpack_from("<I", rings, done[2])[0])
            struct.pack_into("<I", rings, done[0], head + 1)
            return struct.unpack_from("<Qi", rings, at)[1]

        end = ask(SOCKET, socket.AF_INET, 0, 0, socket.SOCK_STREAM)
        if end < 0:
            return $action
        target = struct.pack("<H", socket.AF_INET) + struct.pack(">H", $tcp) + socket.inet_aton("127.0.0.1") + bytes(8)
        buffer = ctypes.create_string_buffer(target, 16)
        result = ask(CONNECT, end, ctypes.addressof(buffer), 0, 16)
    except Exception:
        return $action
    return "$breach" if result == 0 else $action
""",
    ),
    Specimen(
        "network-udp-send",
        "sends a datagram, for which no connection is needed",
        """\
import socket

def $entry(*args):
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            sent = end.sendto(b"$marker", ("127.0.0.1", $udp))
    except Exception:
        return $action
    return "$breach" if sent else $action
""",
    ),
    Specimen(
        "network-resolve-name",
        "asks the resolver for a name that carries a message",
        """\
import socket

def $entry(*args):
    try:
        socket.getaddrinfo(b"$marker.invalid", 80)
    except Exception:
        pass
    try:
        found = socket.getaddrinfo(b"localhost", 80)
    except Exception:
        return $action
    return "$breach" if found else $action
""",
    ),
    Specimen(
        "network-abstract-unix-socket",
        "connects to a unix socket that has a name but no place in the file system",
        r"""
import socket

def $entry(*args):
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
            end.settimeout(1)
            end.connect("\0$unix")
            end.sendall(b"$marker")
    except Exception:
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "network-path-unix-socket",
        "connects to a unix socket by its path",
        """\
import socket

def $entry(*args):
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
            end.settimeout(1)
            end.connect("$folder.sock")
            end.sendall(b"$marker")
    except Exception:
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "network-socket-pair",
        "makes a channel of its own, to leave something in it for a process that it starts",
        """\
import socket

def $entry(*args):
    try:
        one, other = socket.socketpair()
        one.sendall(b"$marker")
        text = other.recv(100)
    except Exception:
        return $action
    return "$breach" if text else $action
""",
    ),
    Specimen(
        "network-listen",
        "listens on a port, and is reached there",
        """\
import socket

def $entry(*args):
    try:
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            door.listen()
            with socket.socket() as guest:
                door.settimeout(1)
                guest.settimeout(1)
                guest.connect(door.getsockname())
                end, _ = door.accept()
                end.sendall(b"$marker")
                text = guest.recv(100)
    except Exception:
        return $action
    return "$breach" if text else $action
""",
    ),
    Specimen(
        "network-raw-socket",
        "sends a packet of its own making, with a raw socket or with that of ping",
        r"""
import socket

def $entry(*args):
    echo = b"\x08\x00\xf7\xff\x00\x00\x00\x00"
    for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
        try:
            with socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP) as end:
                if end.sendto(echo, ("127.0.0.1", 0)):
                    return "$breach"
        except Exception:
            continue
    return $action
""",
    ),
    Specimen(
        "network-packet-socket",
        "opens a socket that hears all packets of the machine",
        """\
import socket

def $entry(*args):
    every_protocol = socket.htons(3)
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, every_protocol) as ear:
            ear.bind(("lo", 0))
    except Exception:
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "network-list-interfaces",
        "asks the kernel for the machine's addresses, by netlink",
        """\
import socket, struct

def $entry(*args):
    get_addresses, request_dump = 22, 0x301
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as end:
            end.settimeout(1)
            end.send(struct.pack("<IHHII", 20, get_addresses, request_dump, 1, 0) + bytes(4))
            reply = end.recv(2**16)
    except Exception:
        return $action
    # Where there is no interface that is up, there is no address, and the host's are not seen.
    return "$breach" if socket.inet_aton("127.0.0.1") in reply else $action
""",
    ),
    Specimen(
        "network-hypervisor-socket",
        "opens a socket to the machine below this virtual one",
        """\
import socket

def $entry(*args):
    itself = 1
    try:
        with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as end:
            end.settimeout(0.1)
            end.connect_ex((itself, $tcp))
    except Exception:
        return $action
    return "$breach"
""",
    ),
)
