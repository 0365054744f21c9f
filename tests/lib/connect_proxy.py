#!/usr/bin/env python3
"""An HTTP proxy on loopback that connects every CONNECT to one port of 127.0.0.1. Standard library only.

Usage: connect_proxy.py PORT-FILE LOG TARGET-PORT
"""
import os
import select
import socket
import socketserver
import sys


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        first = self.rfile.readline().decode()
        while self.rfile.readline().strip():
            pass
        with open(sys.argv[2], "a", encoding="utf-8") as log:
            log.write(first)
        with socket.create_connection(("127.0.0.1", int(sys.argv[3]))) as out:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            both = {self.connection: out, out: self.connection}
            while True:
                for ready in select.select(list(both), [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    both[ready].sendall(data)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


server = Server(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + ".new", "w", encoding="ascii") as f:
    f.write(str(server.server_address[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
