"""A contender for echo-server in plain Python that listens where it is told, as a program with a
port of its own does: every block finds it at the same address (docs/protocol.md)."""
import json, socket, struct, sys, threading

fault = sys.argv[2] if len(sys.argv) > 2 else ""


def send(message):
    body = json.dumps(message).encode()
    sys.stdout.buffer.write(struct.pack("<I", len(body)) + body)
    sys.stdout.buffer.flush()


def receive():
    (length,) = struct.unpack("<I", sys.stdin.buffer.read(4) or sys.exit())
    return json.loads(sys.stdin.buffer.read(length))


def serve(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while piece := connection.recv(65536):
        if fault == "hang-up":
            break
        if fault == "stop":
            continue
        connection.sendall(piece)
    connection.close()


def accept(listener):
    while True:
        threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()


send({"type": "hello", "protocol": 1, "program": "python " + sys.version.split()[0]})
receive()
address, shared = ("127.0.0.1", int(sys.argv[1])), fault == "shared"
listener = socket.create_server(address, backlog=128, reuse_port=shared)
threading.Thread(target=accept, args=[listener], daemon=True).start()
addr = "127.0.0.1:1" if fault == "lost" else "%s:%d" % listener.getsockname()
send({"type": "ready", **({} if fault == "silent" else {"addr": addr})})
while receive()["type"] != "quit":
    send({"type": "done"})
send({"type": "done"})
