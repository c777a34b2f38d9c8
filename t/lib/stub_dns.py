#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A name server for tests, on port 53 of every address.

    stub_dns.py LOG

writes the name and type of each query to LOG. Its names, all under .ssrf.test
and .ssrf.example, say what they resolve to:

    v4-7f000001         A, in hexadecimal          v6-0…01     AAAA, likewise
    a-loopback a-private aaaa-loopback aaaa-nat64  what the name says
    mixed-public-private    a public and a private A
    mixed-4-6               a public A and ::1
    256-records             255 public A, a private one amidst them
    cname-localhost         CNAME localhost
    rebind-N                a public and a private A in turn, TTL 0
    stall                   no answer at all
    nxdomain                no such name

hooks.test is public, by IPv4 and IPv6; whatever else there is is public by IPv4.
"""
import collections
import ipaddress
import socket
import struct
import sys
import threading

PUBLIC = "93.184.216.34"
A, CNAME, AAAA = 1, 5, 28
asked = collections.Counter()
lock = threading.Lock()


def addresses(name):
    """The addresses of a name; None: no answer, a string: an alias."""
    first = name.split(".")[0]
    if first.startswith("v4-"):
        return [ipaddress.IPv4Address(int(first[3:], 16))]
    if first.startswith("v6-"):
        return [ipaddress.IPv6Address(int(first[3:], 16))]
    if first.startswith("rebind"):
        # glibc asks for A and AAAA of one look-up: both are one turn
        return [PUBLIC, "10.1.2.3"][(asked[name, A] - 1) % 2:][:1]
    return {
        "stall": None,
        "nxdomain": [],
        "cname-localhost": "localhost",
        "a-loopback": ["127.0.0.1"],
        "a-private": ["10.1.2.3"],
        "aaaa-loopback": ["::1"],
        "aaaa-nat64": ["64:ff9b::a9fe:a9fe"],
        "mixed-public-private": [PUBLIC, "10.0.0.1"],
        "mixed-4-6": [PUBLIC, "::1"],
        "256-records": ["93.184.%d.%d" % (i, i) if i != 100 else "10.0.0.100" for i in range(256)],
        "hooks": [PUBLIC, "2606:4700:4700::1111"],
        "localhost": ["127.0.0.1", "::1"],
        "own": ["93.184.216.99"],
    }.get(first, [PUBLIC])


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def answer(query, udp):
    end = query.index(b"\0", 12)
    labels, at = [], 12
    while at < end:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii").lower())
        at += 1 + query[at]
    name, (kind,) = ".".join(labels), struct.unpack("!H", query[end + 1:end + 3])
    with lock:
        asked[name, kind] += 1
        with open(sys.argv[1], "a", encoding="ascii") as log:
            log.write("%s %d\n" % (name, kind))
        found = addresses(name)
    if found is None:
        return None
    records = []
    if isinstance(found, str):
        target = wire_name(found)
        records.append(b"\xc0\x0c" + struct.pack("!HHIH", CNAME, 1, 0, len(target)) + target)
        owner, found_for = target, addresses(found)
    else:
        owner, found_for = b"\xc0\x0c", found
    for address in map(ipaddress.ip_address, found_for):
        if (kind == A and address.version == 4) or (kind == AAAA and address.version == 6):
            records.append(owner + struct.pack("!HHIH", kind, 1, 0, len(address.packed)) + address.packed)
    code = 3 if found == [] else 0
    truncated = udp and sum(map(len, records)) > 400
    if truncated:
        records = []
    header = query[:2] + struct.pack("!HHHHH", 0x8180 | code | (0x200 if truncated else 0), 1, len(records), 0, 0)
    return header + query[12:end + 5] + b"".join(records)


def serve_udp(sock):
    while True:
        query, peer = sock.recvfrom(4096)
        reply = answer(query, True)
        if reply:
            sock.sendto(reply, peer)


def serve_tcp(sock):
    while True:
        connection, _ = sock.accept()
        with connection:
            while len(head := connection.recv(2, socket.MSG_WAITALL)) == 2:
                reply = answer(connection.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL), False)
                if reply:
                    connection.sendall(struct.pack("!H", len(reply)) + reply)


udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("0.0.0.0", 53))
tcp = socket.create_server(("0.0.0.0", 53))
threading.Thread(target=serve_tcp, args=(tcp,), daemon=True).start()
print("ready", flush=True)
serve_udp(udp)
