"""A member: answers HTTP with its name, and echoes lines over TCP. Run in the namespace of members.

    python -m lab.member HTTP-ADDRESS HTTP-PORT NAME [TCP-PORT]
"""

import http.server
import socket
import socketserver
import sys
import threading


class Server(http.server.ThreadingHTTPServer):
    """Takes bursts of connections, and both address families."""

    request_queue_size = 1024
    daemon_threads = True

    def __init__(self, address, handler):
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def handle_error(self, *_):
        """Health checks hang up as soon as they know enough."""


class Handler(http.server.BaseHTTPRequestHandler):
    """Every GET answers the name of the member."""

    protocol_version = "HTTP/1.1"
    #: Head and body leave in one segment, as most servers send a short answer.
    wbufsize = 65536

    def do_GET(self):
        """Answers."""
        body = sys.argv[3].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nobody reads it."""


class Echo(socketserver.StreamRequestHandler):
    """Sends every line back with the name before it."""

    def handle(self):
        for line in self.rfile:
            self.wfile.write(sys.argv[3].encode() + b" " + line)


def main():
    """Serves until it is killed."""
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    server = Server((sys.argv[1], int(sys.argv[2])), Handler)
    if len(sys.argv) > 4:
        echo = socketserver.ThreadingTCPServer((sys.argv[1], int(sys.argv[4])), Echo)
        threading.Thread(target=echo.serve_forever, daemon=True).start()
    server.serve_forever()


main()
