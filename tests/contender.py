"""A contender for tcp-echo in plain Python: the protocol spoken by hand (docs/protocol.md)."""
import json, os, socket, struct, sys, threading, time

fault = sys.argv[1] if len(sys.argv) > 1 else ""
if fault == "mute":
    time.sleep(3600)
while fault == "spin":
    pass


def note(*words):
    with open(os.environ["CONTENDER_NOTES"], "a") as notes:
        print(*words, file=notes)


if fault in ("brood", "orphans", "daemon"):
    # A process of its own, that ends with nobody and holds all that it was given open.
    pid = os.fork()
    if pid == 0:
        if fault == "daemon":
            os.setsid()
        time.sleep(3600)
        os._exit(0)
    note(fault, pid)


def send(message, numbers=()):
    body = json.dumps(message).encode()
    frame = struct.pack("<I", len(body)) + body + struct.pack(f"<{len(numbers)}Q", *numbers)
    sys.stdout.buffer.write(frame)
    sys.stdout.buffer.flush()


def receive():
    (length,) = struct.unpack("<I", sys.stdin.buffer.read(4) or sys.exit())
    message = json.loads(sys.stdin.buffer.read(length))
    arrivals = message.get("arrivals", 0)
    return message, struct.unpack(f"<{arrivals}Q", sys.stdin.buffer.read(8 * arrivals))


def operation(connection, seq, size):
    connection.sendall(seq.to_bytes(8, "little") + bytes(size - 8))
    answer = b""
    while len(answer) < size:
        answer += connection.recv(size - len(answer))
    return int.from_bytes(answer[:8], "little")


def client(index, connection, ended, epoch, for_ns, samples):
    while time.monotonic_ns() - epoch < for_ns:
        seq = ended[index] * sessions + index
        started = time.monotonic_ns() - epoch
        check = operation(connection, seq, size) + (fault == "wrong")
        finished = started + 1 if fault == "hurry" else time.monotonic_ns() - epoch
        ended[index] += 1
        samples[index] += [started, started, finished, check]
        if extra_every and (ended[index] + index) % extra_every == 0:
            operation(connection, ended[index] * sessions + index, size)
            extra[index] += 1


send({"type": "hello", "protocol": 1, "program": "python " + sys.version.split()[0]})
prepare, _ = receive()
if prepare["cpus"] and hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, prepare["cpus"])
extra_every = prepare.get("extra_every", 0)
sessions, size = prepare["sessions"], int(prepare["params"]["bytes"])
host, port = prepare["peers"][0].split(":")
connections = [socket.create_connection((host, int(port))) for _ in range(sessions)]
ended = [0] * sessions
send({"type": "ready", "workers": sessions})
if fault == "deaf":
    time.sleep(3600)
turns = 0
while True:
    message, _ = receive()
    if message["type"] == "quit":
        send({"type": "done"})
        if fault == "brood":
            time.sleep(0.1)
            note("ended", os.getpid())
        break
    turns += 1
    if fault in ("crash", "orphans") and turns == 2:
        print("about to crash", file=sys.stderr, flush=True)
        os.abort()
    if fault == "hang" and turns == 2:
        print("about to hang", file=sys.stderr, flush=True)
        time.sleep(3600)
    if fault == "rubbish":
        print("debugging is fun, and this is not a frame at all", flush=True)
    if fault == "refuse":
        send({"type": "failed", "cause": "not in the mood"})
    samples = [[] for _ in connections]
    extra = [0] * sessions
    epoch = time.monotonic_ns()
    work = [(i, c, ended, epoch, message["for_ns"], samples) for i, c in enumerate(connections)]
    threads = [threading.Thread(target=client, args=args) for args in work]
    [t.start() for t in threads], [t.join() for t in threads]
    if fault == "skip":
        samples[0] += samples[0][-4:]
    counts = [len(s) // 4 for s in samples]
    flat = [number for s in samples for number in s]
    done = {"samples": sum(counts), "sessions": counts, "extra": sum(extra)}
    send({"type": "done", **done}, flat)
