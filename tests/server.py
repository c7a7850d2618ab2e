"""A small server that behaves as told, for tests: slow, hanging, wrong, stubborn, with children."""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from types import FrameType


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "0")))
    parser.add_argument("--host", default="127.0.0.1", help="an IPv6 address makes an IPv6 socket")
    parser.add_argument("--only-ipv6", action="store_true", help="leaves IPv4 alone, as asyncio does")
    parser.add_argument("--reuse-port", action="store_true", help="shares the port with whoever does so, too")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before it listens")
    parser.add_argument("--listen-once", default="/", metavar="FILE", help="does not listen before this file is there")
    parser.add_argument("--status", default="200")
    parser.add_argument("--body", default="{}")
    parser.add_argument("--hang", action="store_true", help="accepts and never answers")
    parser.add_argument("--answer-after", type=float, default=0.0, help="seconds that each page takes")
    parser.add_argument("--exit-after", type=float, default=None, help="seconds until it exits by itself")
    parser.add_argument("--exit-code", type=int, default=0)
    parser.add_argument("--say", action="append", default=[], help="lines to print at the start")
    parser.add_argument("--ignore", action="append", default=[], help="signals to ignore, such as SIGINT")
    parser.add_argument("--stop-delay", type=float, default=0.0, help="seconds that a graceful end takes")
    parser.add_argument("--end-once", default="/", metavar="FILE", help="goes on ending until this file is there")
    parser.add_argument("--children", type=int, default=0, help="children that only sleep")
    parser.add_argument("--daemons", type=int, default=0, help="children in a session of their own that ignore SIGINT")
    parser.add_argument("--roster", help="a folder where it enters itself, and each signal that it receives")
    parser.add_argument("--deaf", action="store_true", help="enters signals into the roster and does not obey")
    parser.add_argument("--tell-pid", action="store_true", help="answers with its pid")
    parser.add_argument("--rewrite-title", action="store_true", help="writes over its environment, as title-setters do")
    parser.add_argument("--background", action="store_true", help="goes on as a daemon; what was started exits 0")
    parser.add_argument("--leave-main-thread", action="store_true", help="serves from another thread than its first")
    parser.add_argument("--print-env", action="append", default=[], help="variables to print")
    return parser.parse_args()


def end_slowly(options: argparse.Namespace) -> None:
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
    variables = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    number = 0
    while (variable := variables[number]) is not None:
        ctypes.memset(ctypes.cast(variables, ctypes.POINTER(ctypes.c_void_p))[number], 0, len(variable))
        number += 1


def keep_roster(folder: str, is_deaf: bool) -> None:
    """Enters this process, and every signal that it receives before it obeys."""

    def enter(text: str) -> None:
        with open(f"{folder}/{os.getpid()}", "a", encoding="utf-8") as file:
            file.write(f"{text}\n")

    def obey(number: int, _: FrameType | None) -> None:
        enter(signal.Signals(number).name)
        if is_deaf:
            return
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"):
        signal.signal(signal.Signals[name], obey)
    enter(os.environ.get("SENTINEL_SERVICE", "-"))


def leave_main_thread(options: argparse.Namespace) -> None:
    """Lets another thread serve, and ends the first one alone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    threading.Thread(target=serve, args=(options,)).start()
    ctypes.CDLL(None).syscall(60, 0)


def behave(options: argparse.Namespace) -> None:
    if options.background:
        go_into_the_background()
    if options.roster:
        keep_roster(options.roster, options.deaf)
    if options.rewrite_title:
        rewrite_title()
    for name in options.ignore:
        signal.signal(signal.Signals[name], signal.SIG_IGN)
    if options.stop_delay or options.end_once != "/":
        signal.signal(signal.SIGINT, lambda *_: end_slowly(options))
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    for _ in range(options.children):
        subprocess.Popen(sleeper)
    stubborn = [
        sys.executable,
        "-c",
        "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(600)",
    ]
    for _ in range(options.daemons):
        subprocess.Popen(stubborn, start_new_session=True)
    if options.exit_after is not None:
        threading.Timer(options.exit_after, lambda: os._exit(options.exit_code)).start()


def serve(options: argparse.Namespace) -> None:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with socket.socket(family) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if options.reuse_port:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if options.only_ipv6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        server.bind((options.host, options.port))
        server.listen(64)
        held = []
        while True:
            client, _ = server.accept()
            if options.hang:
                held.append(client)
                continue
            body = str(os.getpid()) if options.tell_pid else options.body
            threading.Thread(
                target=answer, args=(client, options.status, body, options.answer_after), daemon=True
            ).start()


def answer(client: socket.socket, status: str, body: str, seconds: float) -> None:
    with client:
        try:
            if client.recv(65536):
                time.sleep(seconds)
                head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                client.sendall((head + body).encode())
        except OSError:
            pass


def main() -> None:
    options = parse()
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
        time.sleep(600)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
