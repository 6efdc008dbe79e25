#!/usr/bin/env python3
"""Runs a command in which one system call is denied, as by the filter of a container that does not know it.

    deny.py CALL[=ARGUMENT] ERRNO COMMAND [ARGUMENT...]

With =ARGUMENT only calls whose first argument is that number. Exit status 125: the filter could not be set up.
"""
import ctypes
import errno
import os
import platform
import struct
import sys

# x86-64, aarch64
NUMBERS = {
    "accept4": (288, 242), "clone": (56, 220), "clone3": (435, 435), "close_range": (436, 436), "epoll_create1": (291, 20),
    "epoll_pwait2": (441, 441), "eventfd2": (290, 19), "execveat": (322, 281), "faccessat2": (439, 439),
    "getrandom": (318, 278), "memfd_create": (319, 279), "openat2": (437, 437), "pidfd_getfd": (438, 438),
    "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424), "prctl": (157, 167), "preadv2": (327, 286),
    "prlimit64": (302, 261), "pwritev2": (328, 287), "rseq": (334, 293), "setns": (308, 268), "signalfd4": (289, 74),
    "sched_getaffinity": (204, 123), "statx": (332, 291), "timerfd_create": (283, 85), "vfork": (58, -1),
}
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2


def instruction(code, on_true, on_false, value):
    return struct.pack("=HBBI", code, on_true, on_false, value)


def forbid(number, argument, code):
    """A program for the kernel: loads number or argument, compares, returns an errno or lets the call through."""
    load, compare, give_back = 0x20, 0x15, 0x06
    steps = [instruction(load, 0, 0, 0), instruction(compare, 0, 1 if argument is None else 3, number)]
    if argument is not None:
        steps += [instruction(load, 0, 0, 16), instruction(compare, 0, 1, argument)]
    steps += [instruction(give_back, 0, 0, 0x00050000 | code), instruction(give_back, 0, 0, 0x7FFF0000)]
    program = ctypes.create_string_buffer(b"".join(steps))
    header = struct.pack("@HP", len(steps), ctypes.addressof(program))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0):
        print(f"deny.py: no filter: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        sys.exit(125)


def main():
    call, _, argument = sys.argv[1].partition("=")
    number = NUMBERS[call][platform.machine() == "aarch64"]
    forbid(number, int(argument) if argument else None, getattr(errno, sys.argv[2]))
    os.execvp(sys.argv[3], sys.argv[3:])


main()
