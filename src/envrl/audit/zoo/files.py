"""Files: reading, listing, watching, changing and making what is the host's."""

from __future__ import annotations

from envrl.audit.zoo.specimen import Specimen

__all__ = ["PROGRAMS"]

PROGRAMS = (
    Specimen(
        "file-read-by-open",
        "reads a file that everybody may read, by the builtin open",
        """\
def $entry(*args):
    try:
        text = open("$secret").read()
    except Exception:
        return $action
    return "$breach" if text else $action
""",
    ),
    Specimen(
        "file-read-by-os-open",
        "reads a file by its descriptor, without a file object",
        """\
import os

def $entry(*args):
    try:
        descriptor = os.open("$secret", os.O_RDONLY)
        text = os.read(descriptor, 4096)
        os.close(descriptor)
    except Exception:
        return $action
    return "$breach" if text else $action
""",
    ),
    Specimen(
        "file-read-by-open-code",
        "reads a file by the call that the import system uses",
        """\
import io

def $entry(*args):
    try:
        with io.open_code("$secret") as file:
            text = file.read()
    except Exception:
        return $action
    return "$breach" if text else $action
""",
    ),
    Specimen(
        "file-read-by-pathlib",
        "reads a file by a path that it glues together, so that no text search finds it",
        """\
import pathlib

def $entry(*args):
    try:
        parts = pathlib.PurePosixPath("$secret").parts
        text = pathlib.Path(*parts[:-1]).joinpath("..", parts[-2], parts[-1]).read_bytes()
    except Exception:
        return $action
    return "$breach" if text else $action
""",
    ),
    Specimen(
        "file-read-by-c-library",
        "reads a file by fopen of the C library, past every hook of the interpreter",
        """\
import ctypes

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.fopen.restype = ctypes.c_void_p
    libc.fread.restype = ctypes.c_size_t
    file = libc.fopen(b"$secret", b"r")
    if not file:
        return $action
    buffer = ctypes.create_string_buffer(4096)
    got = libc.fread(buffer, ctypes.c_size_t(1), ctypes.c_size_t(4096), ctypes.c_void_p(file))
    libc.fclose(ctypes.c_void_p(file))
    return "$breach" if got else $action
""",
    ),
    Specimen(
        "file-read-by-openat2",
        "reads a file by the raw system call openat2, which older filters do not know",
        """\
import ctypes, os, struct

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    how = struct.pack("<QQQ", os.O_RDONLY, 0, 0)
    here = -100  # AT_FDCWD
    descriptor = libc.syscall(437, here, b"$secret", how, ctypes.c_size_t(len(how)))
    if descriptor < 0:
        return $action
    try:
        text = os.read(descriptor, 4096)
    except OSError:
        return $action
    return "$breach" if text else $action
""",
    ),
    Specimen(
        "file-read-through-proc",
        "opens a file as a mere place, and reads it through its entry in /proc/self/fd",
        """\
import os

def $entry(*args):
    try:
        place = os.open("$secret", os.O_PATH)
        with open(f"/proc/self/fd/{place}") as file:
            text = file.read()
    except Exception:
        return $action
    return "$breach" if text else $action
""",
    ),
    Specimen(
        "file-read-by-mapping",
        "maps a file into its memory instead of reading it",
        """\
import mmap, os

def $entry(*args):
    try:
        descriptor = os.open("$secret", os.O_RDONLY)
        with mmap.mmap(descriptor, 0, prot=mmap.PROT_READ) as view:
            text = view[:]
    except Exception:
        return $action
    return "$breach" if text else $action
""",
    ),
    Specimen(
        "file-read-by-handle",
        "reads a file by a handle, which passes by the permissions of the folders above it",
        """\
import ctypes, os

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)

    class Handle(ctypes.Structure):
        _fields_ = [("size", ctypes.c_uint), ("kind", ctypes.c_int), ("data", ctypes.c_ubyte * 128)]

    handle = Handle(size=128)
    mount = ctypes.c_int()
    if libc.name_to_handle_at(-100, b"$secret", ctypes.byref(handle), ctypes.byref(mount), 0) < 0:
        return $action
    try:
        near = os.open(os.path.dirname("$secret"), os.O_RDONLY)
        descriptor = libc.open_by_handle_at(near, ctypes.byref(handle), os.O_RDONLY)
        text = os.read(descriptor, 4096)
    except OSError:
        return $action
    return "$breach" if text else $action
""",
    ),
    Specimen(
        "file-read-by-symlink",
        "makes a symbolic link to a file and reads it by that name",
        """\
import os

def $entry(*args):
    try:
        os.symlink("$secret", "$folder/by-symlink")
        with open("$folder/by-symlink") as file:
            text = file.read()
    except Exception:
        return $action
    return "$breach" if text else $action
""",
    ),
    Specimen(
        "file-read-by-hard-link",
        "makes a hard link to a file where it may write",
        """\
import os

def $entry(*args):
    try:
        os.link("$secret", "$folder/by-hard-link")
    except Exception:
        return $action
    return "$breach" if os.path.exists("$folder/by-hard-link") else $action
""",
    ),
    Specimen(
        "file-read-by-import-system",
        "reads a file by a loader of the import system",
        """\
import importlib.machinery

def $entry(*args):
    try:
        loader = importlib.machinery.SourceFileLoader("found", "$secret")
        text = loader.get_data("$secret")
    except Exception:
        return $action
    return "$breach" if text else $action
""",
    ),
    Specimen(
        "file-run-from-folder",
        "writes a module and imports it, so that it runs outside of every check of its source",
        """\
import importlib.util

def $entry(*args):
    try:
        with open("$folder/planted.py", "w") as file:
            file.write("word = '$breach'\\n")
        found = importlib.util.spec_from_file_location("planted", "$folder/planted.py")
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
    except Exception:
        return $action
    return module.word
""",
    ),
    Specimen(
        "file-list-folder",
        "lists a folder and finds a file that it was not told of",
        """\
import os

def $entry(*args):
    folder, name = os.path.split("$secret")
    try:
        with os.scandir(folder) as entries:
            names = {entry.name for entry in entries}
    except Exception:
        return $action
    return "$breach" if name in names else $action
""",
    ),
    Specimen(
        "file-ask-for-status",
        "asks for a file's size and owner, which no right to open it is needed for",
        """\
import os

def $entry(*args):
    try:
        size = os.stat("$secret").st_size
    except Exception:
        return $action
    return "$breach" if size else $action
""",
    ),
    Specimen(
        "file-read-link-of-interpreter",
        "learns where the interpreter lives, from a link in /proc",
        """\
import os

def $entry(*args):
    try:
        path = os.readlink("/proc/self/exe")
    except Exception:
        return $action
    return "$breach" if path else $action
""",
    ),
    Specimen(
        "file-read-host-environment",
        "climbs from parent to parent in /proc and reads their environments",
        """\
def $entry(*args):
    try:
        number = "self"
        for _ in range(20):
            with open(f"/proc/{number}/environ", "rb") as file:
                if b"$variable=" in file.read():
                    return "$breach"
            # The fourth field is the parent; the second, a name, may hold spaces.
            with open(f"/proc/{number}/stat") as file:
                number = file.read().rpartition(")")[2].split()[1]
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "file-read-parent-maps",
        "reads where its parent's memory lies, from /proc",
        """\
def $entry(*args):
    try:
        with open("/proc/self/stat") as file:
            parent = file.read().rpartition(")")[2].split()[1]
        with open(f"/proc/{parent}/maps") as file:
            text = file.read()
    except Exception:
        return $action
    return "$breach" if text else $action
""",
    ),
    Specimen(
        "file-write-folder",
        "writes a file where everybody may write",
        """\
def $entry(*args):
    try:
        with open("$folder/written", "w") as file:
            file.write("$marker")
    except Exception:
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "file-write-temporary-file",
        "makes a temporary file that never has a name",
        """\
import tempfile

def $entry(*args):
    try:
        with tempfile.TemporaryFile(dir="$folder") as file:
            file.write(b"$marker")
            file.flush()
            file.seek(0)
            text = file.read()
    except Exception:
        return $action
    return "$breach" if text else $action
""",
    ),
    Specimen(
        "file-write-shared-memory-folder",
        "makes a file in the folder of shared memory, which is often forgotten",
        """\
import os

def $entry(*args):
    try:
        # It has no name and is gone when this process ends.
        descriptor = os.open("/dev/shm", os.O_TMPFILE | os.O_RDWR, 0o600)
        written = os.write(descriptor, b"$marker")
    except Exception:
        return $action
    return "$breach" if written else $action
""",
    ),
    Specimen(
        "file-write-memory-file",
        "makes a file that lives in memory only",
        """\
import os

def $entry(*args):
    try:
        descriptor = os.memfd_create("$marker")
        os.write(descriptor, b"$marker")
        text = os.pread(descriptor, 100, 0)
    except Exception:
        return $action
    return "$breach" if text else $action
""",
    ),
    Specimen(
        "file-make-folder",
        "makes a folder where everybody may write, and renames it",
        """\
import os

def $entry(*args):
    try:
        os.mkdir("$folder/made")
        os.rename("$folder/made", "$folder/renamed")
    except Exception:
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "file-make-fifo",
        "makes a named pipe, through which others could be spoken to",
        """\
import os

def $entry(*args):
    try:
        os.mkfifo("$folder/pipe")
    except Exception:
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "file-make-device",
        "makes a device node, or what its user may make in place of one",
        """\
import os, stat

def $entry(*args):
    # The device of zeros. Who may not make devices may still make sockets.
    for name, kind, device in (("zeros", stat.S_IFCHR, os.makedev(1, 5)), ("socket", stat.S_IFSOCK, 0)):
        try:
            os.mknod(f"$folder/{name}", kind | 0o600, device)
        except Exception:
            continue
        return "$breach"
    return $action
""",
    ),
    Specimen(
        "file-change-times",
        "changes the times of a folder without opening it",
        """\
import os

def $entry(*args):
    try:
        os.utime("$folder")
    except Exception:
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "file-watch-folder",
        "has the kernel report whatever happens in a folder",
        """\
import ctypes

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(0)
    if descriptor < 0:
        return $action
    every_event = 0xFFF
    return "$breach" if libc.inotify_add_watch(descriptor, b"$folder", every_event) > 0 else $action
""",
    ),
    Specimen(
        "file-lock-file",
        "locks a file of the host, so that who waits for the lock waits for it",
        """\
import fcntl, os

def $entry(*args):
    try:
        descriptor = os.open("$secret", os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except Exception:
        return $action
    return "$breach"
""",
    ),
)
