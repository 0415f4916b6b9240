"""Seccomp: an allow-list of system calls, the layer that holds where nothing else does.

Covers: every way to the kernel that a program of pure computation has no need of. What only an attacker calls
(execve, clone, socket, ptrace, kill …) ends the process with SIGSYS, a clean sign of a violation; anything else that
is not allowed fails with EPERM, since the interpreter may try it in good faith (abort() signals itself). Calls of a
foreign ABI end the process. Where a call reaches further with some of its arguments, those are checked: no executable,
shared or huge mappings, no clock of another process, no futex that another process could wait at.
Does not cover: bugs in the calls that are allowed, and timing side channels.
"""

from __future__ import annotations

import ctypes
import errno
import struct

from .kernel import MACHINE, prctl

__all__ = ["apply", "build"]

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_KILL, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_LOAD, _EQUAL, _GREATER_OR_EQUAL, _SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # classic BPF: ld, jeq, jge, jset, ret
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_X32 = 0x40000000
_REFUSE = _ERRNO | errno.EPERM
_PROT_EXEC = 4
_UNUSUAL_MAP = 0x1 | 0x8 | 0x40000  # MAP_SHARED, MAP_DROPPABLE, MAP_HUGETLB
_FUTEXES = (128, 129, 137, 137 | 256, 138)  # private: wait, wake, wait until (by either clock), wake some
_ADVICE = (4, 8)  # MADV_DONTNEED and MADV_FREE, by which an allocator gives memory back
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# name: (x86-64, aarch64), None where the architecture has no such call
_ALLOWED = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "mremap": (25, 216),
    "setitimer": (38, 103),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "gettimeofday": (96, 169),
    "restart_syscall": (219, 128),
}
# name: (numbers, what its arguments are asked, the verdict of a call that meets none of it). A question is
# (argument, comparison, value, verdict where it holds); all these arguments have 32 bits that count.
_CHECKED = {
    # Clocks with larger numbers are those of other processes (their CPU time) and of devices.
    "clock_gettime": ((228, 113), ((0, _GREATER_OR_EQUAL, 16, _REFUSE),), _ALLOW),
    # Memory is anonymous and private, not to be dropped by the kernel, and not out of the machine's huge pages.
    "mmap": ((9, 222), ((2, _SET, _PROT_EXEC, _KILL), (3, _SET, _UNUSUAL_MAP, _REFUSE)), _ALLOW),
    "mprotect": ((10, 226), ((2, _SET, _PROT_EXEC, _KILL),), _ALLOW),
    # Those that are not private meet at the page of a file, such as the C library's, that any process maps.
    "futex": ((202, 98), tuple((1, _EQUAL, operation, _ALLOW) for operation in _FUTEXES), _REFUSE),
    "madvise": ((28, 233), tuple((2, _EQUAL, advice, _ALLOW) for advice in _ADVICE), _REFUSE),
}
_KILLED = {
    "socket": (41, 198),
    "connect": (42, 203),
    "accept": (43, 202),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "recvmsg": (47, 212),
    "bind": (49, 200),
    "listen": (50, 201),
    "socketpair": (53, 199),
    "clone": (56, 220),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "kill": (62, 129),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "semget": (64, 190),
    "msgget": (68, 186),
    "ptrace": (101, 117),
    "setuid": (105, 146),
    "setrlimit": (160, 164),
    "prlimit64": (302, 261),
    "chroot": (161, 51),
    "mount": (165, 40),
    "unshare": (272, 97),
    "setns": (308, 268),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "memfd_create": (319, 279),
    "execveat": (322, 281),
    "io_uring_setup": (425, 425),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438),
    "clone3": (435, 435),
    "rt_sigqueueinfo": (129, 138),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "kexec_load": (246, 104),
    "reboot": (169, 142),
}


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def build(machine: str = MACHINE) -> bytes:
    """The filter as a classic BPF program.

    Raises:
        OSError: there is no table for this architecture.
    """
    if machine not in _AUDIT:
        raise OSError(errno.ENOSYS, f"no system call table for {machine}")
    column = list(_AUDIT).index(machine)
    ask = _instruction
    program = [
        ask(_LOAD, _ARCH),
        ask(_EQUAL, _AUDIT[machine], 1, 0),
        ask(_RETURN, _KILL),
        ask(_LOAD, _NUMBER),
        ask(_GREATER_OR_EQUAL, _X32, 0, 1),
        ask(_RETURN, _KILL),
    ]
    for known, questions, otherwise in _CHECKED.values():
        block = []
        for argument, comparison, value, verdict in questions:
            block += [ask(_LOAD, _ARGUMENTS + 8 * argument), ask(comparison, value, 0, 1), ask(_RETURN, verdict)]
        block.append(ask(_RETURN, otherwise))
        program += [ask(_EQUAL, known[column], 0, len(block)), *block]
    for verdict, table in ((_ALLOW, _ALLOWED), (_KILL, _KILLED)):
        for numbers in table.values():
            number = numbers[column]
            if number is not None:
                program += [ask(_EQUAL, number, 0, 1), ask(_RETURN, verdict)]
    program.append(ask(_RETURN, _REFUSE))
    return b"".join(program)


def apply(program: bytes) -> None:
    """Puts the filter on this process, for good; wants no-new-privileges.

    Raises:
        OSError: the kernel refused.
    """
    instructions = ctypes.create_string_buffer(program, len(program))

    class Header(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    header = Header(len(program) // 8, ctypes.addressof(instructions))
    prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(header))
