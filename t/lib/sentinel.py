#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Listens on the ports given, on every address, and writes to LOG to which one somebody connected.

    sentinel.py LOG PORT...
"""
import ipaddress
import selectors
import socket
import sys

selector = selectors.DefaultSelector()
for port in sys.argv[2:]:
    selector.register(socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True, backlog=128), selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in selector.select():
        connection, _ = key.fileobj.accept()
        address = ipaddress.ip_address(connection.getsockname()[0])
        with open(sys.argv[1], "a", encoding="ascii") as log:
            log.write("%s\n" % (address.ipv4_mapped or address))
        connection.close()
