"""Runs in the child between fork and exec: ties its life to the parent's, drops rights, becomes the command.

Started by path with ``python -I -S`` (process.py): no preexec_fn has to run in a program that has threads.
Arguments: parent's pid, signal to get when the parent dies, uid and gid (or -), command.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    parent, death_signal, uid, gid, *command = arguments
    if gid != "-":
        os.setgroups([])
        os.setgid(int(gid))
    if uid != "-":
        os.setuid(int(uid))
    # After setuid: a change of user clears the setting.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(death_signal))
    if os.getppid() != int(parent):
        raise SystemExit("the process that started this one has ended already")
    try:
        os.execvp(command[0], command)
    except OSError as exc:
        raise SystemExit(f"{command[0]} cannot be run: {exc.strerror}") from exc


if __name__ == "__main__":
    main(sys.argv[1:])
