"""A small server that behaves as told, for tests: slow, hanging, wrong, stubborn, with children."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import _socket as socket
import _thread
import os
import select
import sys
import time
from types import FrameType, SimpleNamespace

# Nothing more is imported before it is needed: five hundred of these start in a run of the tests, and what Python has
# around those two for convenience is 8 ms of 20.
NUMBERS = {
    "port": int(os.environ.get("PORT", "0")),
    "exit_code": 0,
    "delay": 0.0,  # seconds before it listens
    "answer_after": 0.0,  # seconds that each page takes
    "exit_after": -1.0,  # seconds until it exits by itself; with 0 it never listens
    "stop_delay": 0.0,  # seconds that a graceful end takes
    "children": 0,  # children that only sleep
    "daemons": 0,  # children in a session of their own that ignore SIGINT
}
TEXTS = {
    "host": "127.0.0.1",  # an IPv6 address makes an IPv6 socket
    "listen_once": "/",  # does not listen before this file is there
    "end_once": "/",  # goes on ending until this file is there
    "status": "200",
    "body": "{}",
    "notify": "",  # a socket to which it tells READY=1 once it listens
    "roster": "",  # a folder where it enters itself, and each signal that it receives
}
LISTS = {
    "say",  # lines to print at the start
    "ignore",  # signals to ignore, such as SIGINT
    "print_env",  # variables to print
}
FLAGS = {
    "only_ipv6",  # leaves IPv4 alone, as asyncio does
    "reuse_port",  # shares the port with whoever does so, too
    "hang",  # accepts and never answers
    "deaf",  # enters signals into the roster and does not obey
    "tell_pid",  # answers with its pid
    "rewrite_title",  # writes over its environment, as title-setters do
    "background",  # goes on as a daemon; what was started exits 0
    "leave_main_thread",  # serves from another thread than its first
}


def parse(words: list[str]) -> SimpleNamespace:
    """The options that are given, each with two dashes, with the defaults of those that are not."""
    options: dict[str, object] = {**NUMBERS, **TEXTS, **dict.fromkeys(FLAGS, False), **{name: [] for name in LISTS}}
    lists = {name: list[str]() for name in LISTS}
    left = iter(words)
    for word in left:
        name, equals, value = word.removeprefix("--").partition("=")
        name = name.replace("-", "_")
        assert name in options, word
        if name in FLAGS:
            options[name] = True
            continue
        value = value if equals else next(left)
        if name in LISTS:
            lists[name].append(value)
        else:
            options[name] = type(NUMBERS[name])(value) if name in NUMBERS else value
    return SimpleNamespace(**{**options, **lists})


def end_slowly(options: SimpleNamespace) -> None:
    time.sleep(options.stop_delay)
    wait_for(options.end_once)
    os._exit(0)


def wait_for(file: str) -> None:
    while not os.path.exists(file):
        time.sleep(0.02)


def go_into_the_background() -> None:
    """Forks twice and leaves the session, as daemons do."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)


def rewrite_title() -> None:
    """Writes over what /proc tells as the environment, as redis, nginx and PostgreSQL do to show a title there."""
    import ctypes

    variables = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    number = 0
    while (variable := variables[number]) is not None:
        ctypes.memset(ctypes.cast(variables, ctypes.POINTER(ctypes.c_void_p))[number], 0, len(variable))
        number += 1


def keep_roster(folder: str, is_deaf: bool) -> None:
    """Enters this process, and every signal that it receives before it obeys."""

    names = {getattr(signal, name): name for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")}

    def enter(text: str) -> None:
        with open(f"{folder}/{os.getpid()}", "a", encoding="utf-8") as file:
            file.write(f"{text}\n")

    def obey(number: int, _: FrameType | None) -> None:
        enter(names[number])
        if is_deaf:
            return
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    for each in names:
        signal.signal(each, obey)
    enter(os.environ.get("SENTINEL_SERVICE", "-"))


def leave_main_thread(options: SimpleNamespace) -> None:
    """Lets another thread serve, and ends the first one alone."""
    import ctypes
    import threading

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    threading.Thread(target=serve, args=(options,)).start()
    ctypes.CDLL(None).syscall(60, 0)


def behave(options: SimpleNamespace) -> None:
    if options.background:
        go_into_the_background()
    if options.roster:
        keep_roster(options.roster, options.deaf)
    if options.rewrite_title:
        rewrite_title()
    for name in options.ignore:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    if options.stop_delay or options.end_once != "/":
        signal.signal(signal.SIGINT, lambda *_: end_slowly(options))
    start_children(options)
    if options.exit_after == 0:
        os._exit(options.exit_code)
    if options.exit_after > 0:
        _thread.start_new_thread(exit_later, (options,))


def exit_later(options: SimpleNamespace) -> None:
    time.sleep(options.exit_after)
    os._exit(options.exit_code)


def start_children(options: SimpleNamespace) -> None:
    if not (options.children or options.daemons):
        return
    import subprocess

    sleeper = "import time; time.sleep(600)"
    for _ in range(options.children):
        subprocess.Popen([sys.executable, "-c", sleeper])
    stubborn = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); {sleeper}"
    for _ in range(options.daemons):
        subprocess.Popen([sys.executable, "-c", stubborn], start_new_session=True)


def serve(options: SimpleNamespace) -> None:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if options.reuse_port:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if options.only_ipv6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind((options.host, options.port))
    server.listen(64)
    tell_ready(options.notify)
    held = []
    while True:
        if not select.select([server], [], [], 0.5)[0]:  # as in `main`
            continue
        client = socket.socket(family, socket.SOCK_STREAM, 0, server._accept()[0])  # type: ignore[attr-defined]
        if options.hang:
            held.append(client)
            continue
        body = str(os.getpid()) if options.tell_pid else options.body
        _thread.start_new_thread(answer, (client, options.status, body, options.answer_after))


def tell_ready(address: str) -> None:
    """Tells whoever has started it that it is ready, as sd_notify(3) does."""
    if not address:
        return
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    if told.connect_ex(address.replace("@", "\0", 1)) == 0:
        told.send(b"READY=1")
    told.close()


def answer(client: socket.socket, status: str, body: str, seconds: float) -> None:
    try:
        if client.recv(65536):
            time.sleep(seconds)
            head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            client.sendall((head + body).encode())
    except OSError:
        pass
    finally:
        client.close()


def main() -> None:
    options = parse(sys.argv[1:])
    for line in options.say:
        print(line, flush=True)
    for name in options.print_env:
        print(f"{name}={os.environ.get(name)}", flush=True)
    behave(options)
    time.sleep(options.delay)
    wait_for(options.listen_once)
    if options.port:
        print(f"listening on {options.port}", flush=True)
        if options.leave_main_thread:
            leave_main_thread(options)
        serve(options)
    while True:
        time.sleep(0.5)  # a signal right before a wait for ever is heard at its end


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
