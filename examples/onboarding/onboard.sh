#!/bin/sh
# Brings a new colleague's machine up, and stops at the first thing that fails with its exit code.
set -eu
cd "$(dirname "$0")"

explain() {
    case $1 in
        2) echo "The configuration is wrong: see the lines above." ;;
        4) echo "Another program has the port: end it, or choose one with DEV_SERVER_PORT and WORKER_API_PORT." ;;
        5) echo "Install tmux 3.2 or newer, then run this again." ;;
        *) echo "That did not work: 'inv telemetry.logs' and 'inv dev.logs' show more." ;;
    esac >&2
    exit "$1"
}

inv telemetry.activate || explain $?
inv dev.start || explain $?
echo "Ready. 'inv ps' shows what runs, 'inv down' ends it."
