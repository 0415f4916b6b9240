"""What attackers would import, loaded before the walls go up, so that without the language policy it is there."""

from __future__ import annotations

import dataclasses

import msgspec

from envrl.envs import Task

__all__ = ["MODULES", "with_everything_loaded"]

MODULES = tuple(
    (
        "_ctypes _posixshmem _posixsubprocess _socket _thread abc argparse array ast asyncio atexit base64 builtins "
        "bz2 cmd code codecs codeop collections concurrent.futures configparser contextlib contextvars copy copyreg "
        "csv ctypes ctypes.util datetime dbm decimal difflib dis email encodings.idna enum errno faulthandler fcntl "
        "filecmp fileinput fnmatch fractions ftplib functools gc getpass gettext glob grp gzip hashlib heapq hmac "
        "html http.client http.server imaplib importlib importlib.abc importlib.machinery importlib.util inspect io "
        "ipaddress itertools json linecache locale logging logging.handlers lzma marshal mimetypes mmap "
        "multiprocessing multiprocessing.connection multiprocessing.dummy multiprocessing.managers "
        "multiprocessing.pool multiprocessing.shared_memory numbers opcode operator os os.path pathlib pdb pickle "
        "pickletools pkgutil platform poplib posix pprint profile pstats pty pwd py_compile queue random re readline "
        "reprlib resource runpy sched secrets select selectors shelve shlex shutil signal site smtplib socket "
        "socketserver sqlite3 ssl stat statistics string struct subprocess symtable sys sysconfig syslog tarfile "
        "tempfile termios textwrap threading time timeit token tokenize trace traceback tracemalloc tty types typing "
        "unicodedata unittest urllib.request uuid warnings weakref xmlrpc.client zipfile zipimport zlib zoneinfo"
    ).split()
)
"""Modules of the standard library; those that an interpreter lacks are left out."""

_LOAD = f"""
for name in {MODULES!r}:
    try:
        __import__(name)
    except ImportError:
        pass
"""


def with_everything_loaded(task: Task) -> Task:
    """The task, whose zygote loads `MODULES` first."""
    return dataclasses.replace(task, lent=msgspec.structs.replace(task.lent, tables=_LOAD + task.lent.tables))
