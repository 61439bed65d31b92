"""fastcgi.py -- FastCGI as nginx speaks it, and as it never would: to say things that nginx would not let through."""
import socket
import struct

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6


def record(kind, content=b""):
    return struct.pack(">BBHHBx", 1, kind, 1, len(content), 0) + content


def pair(name, value):
    sizes = b"".join(bytes([n]) if n < 128 else struct.pack(">I", n | 1 << 31) for n in (len(name), len(value)))
    return sizes + name.encode() + value.encode()


class Reply:
    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        self.headers = dict(line.split(": ", 1) for line in head.split("\r\n") if ": " in line)
        self.status = int(self.headers.get("Status", "0").split()[0])


def ask(path, params, body=b"", timeout=10):
    """One request to a program's socket, with its parameters as a list of pairs and the body as it is sent."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(timeout)
        s.connect(path)
        s.sendall(record(BEGIN, struct.pack(">HB5x", 1, 0)) + record(PARAMS, b"".join(pair(*p) for p in params)) + record(PARAMS))
        for at in range(0, len(body), 65000):
            s.sendall(record(STDIN, body[at:at + 65000]))
        s.sendall(record(STDIN))
        raw, text = b"", b""
        while chunk := s.recv(65536):
            raw += chunk
    while len(raw) >= 8:
        _, kind, _, length, padding = struct.unpack(">BBHHBx", raw[:8])
        if kind == STDOUT:
            text += raw[8:8 + length]
        raw = raw[8 + length + padding:]
    return Reply(text.decode())
