"""A client: requests a URL over and over, each on a new connection, and says how it went. Run in the client's namespace.

    python -m lab.client URL [--seconds N | --count N] [--threads N] [--host NAME] [--timeout S] [--pause S]
        [--identity PEM]

Prints one JSON object at the end; SIGTERM ends it early.
"""

import argparse
import http.client
import json
import signal
import socket
import ssl
import threading
import time
import urllib.parse

ENDING = threading.Event()


def once(url, host, timeout, identity=None):
    """One request; returns the body and the subject of the server's certificate."""
    secure = url.scheme == "https"
    raw = socket.create_connection((url.hostname, url.port or (443 if secure else 80)), timeout)
    subject = None
    if secure:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if identity:
            context.load_cert_chain(identity)
        raw = context.wrap_socket(raw, server_hostname=host)
        subject = ssl.DER_cert_to_PEM_cert(raw.getpeercert(binary_form=True))
    connection = http.client.HTTPConnection(url.hostname, timeout=timeout)
    connection.sock = raw
    try:
        connection.request("GET", url.path or "/", headers={"Host": host or url.hostname, "Connection": "close"})
        response = connection.getresponse()
        body = response.read().decode()
        if response.status != 200:
            raise OSError(f"status {response.status}")
        return body, subject
    finally:
        connection.close()


def loop(options, result, lock):
    """Requests until the time is over."""
    url = urllib.parse.urlsplit(options.url)
    end = time.monotonic() + options.seconds
    while not ENDING.is_set() and time.monotonic() < end:
        start = time.time()
        try:
            body, certificate = once(url, options.host, options.timeout, options.identity)
            error = None
        except (OSError, http.client.HTTPException) as failure:
            body, certificate, error = None, None, f"{type(failure).__name__}: {failure}"
        with lock:
            result["requests"] += 1
            if error is None:
                result["bodies"][body] = result["bodies"].get(body, 0) + 1
                result["certificate"] = certificate
                result["successes"].append(start)
            else:
                result["failures"].append([start, error])
            if options.count and result["requests"] >= options.count:
                ENDING.set()
        if options.pause:
            ENDING.wait(options.pause)


def main():
    """Runs the threads and prints what they saw."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--host")
    parser.add_argument("--identity", help="certificate and key to show to a server that asks")
    parser.add_argument("--timeout", type=float, default=2)
    parser.add_argument("--pause", type=float, default=0)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: ENDING.set())
    result = {"requests": 0, "bodies": {}, "failures": [], "successes": [], "certificate": None}
    lock = threading.Lock()
    result["began"] = time.time()
    threads = [threading.Thread(target=loop, args=(options, result, lock)) for _ in range(options.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result["ended"] = time.time()
    print(json.dumps(result))


main()
