#!/usr/bin/env python3
"""A name server on 127.0.0.1:53 that knows one name. Standard library only.

Usage: name_server.py NAME        answers A with 127.0.0.1, everything else with nothing
"""
import socketserver
import struct
import sys


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        name, at = [], 12
        while data[at]:
            name.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        question = data[12:at + 5]
        kind = struct.unpack(">H", data[at + 1:at + 3])[0]
        known = ".".join(name).lower() == sys.argv[1]
        found = known and kind == 1
        flags = 0x8580 if known else 0x8583
        answer = struct.pack(">HHHHHH", struct.unpack(">H", data[:2])[0], flags, 1, int(found), 0, 0)
        answer += question
        if found:
            answer += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([127, 0, 0, 1])
        sock.sendto(answer, self.client_address)


socketserver.UDPServer(("127.0.0.1", 53), Handler).serve_forever()
