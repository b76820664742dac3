"""The system calls that no command in a bubblewrap sandbox needs, as a program for the kernel's filter.

Two purposes. Nothing inside may reach into process 1, bubblewrap's own, which reports the exit status: it runs as the
same user, and tracing it would be forging (tracing anything else is allowed, for debuggers and leak checkers). And the
kernel's larger attack surfaces, those that docker's default profile closes too, are closed.
"""

import platform
import struct

# System call → its number on x86_64 and on aarch64.
DENIED = {
    "pidfd_getfd": (438, 438),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    "setns": (308, 268),
    "unshare": (272, 97),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
}
PTRACE = (101, 117)
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH_*
X32 = 0x40000000  # calls of the x32 ABI, a second set of numbers for the same calls

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
NUMBER, ARCHITECTURE, SECOND_ARGUMENT = 0, 4, 24  # offsets in struct seccomp_data, little-endian
ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026  # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | errno


def program(machine: str = platform.machine()) -> bytes | None:
    """The filter as bubblewrap's `--seccomp` reads it: struct sock_filter, one after the other.

    None for a machine whose call numbers are not known here: see `solve doctor`.
    """
    if machine not in ARCHITECTURES:
        return None
    column, architecture = ARCHITECTURES[machine]
    code = [
        _step(LOAD, ARCHITECTURE),
        _step(JUMP_EQUAL, architecture, 1, 0),
        _step(RETURN, ENOSYS),  # calls of another architecture, as 32-bit programs make them
        _step(LOAD, NUMBER),
        _step(JUMP_AT_LEAST, X32, 0, 1),
        _step(RETURN, ENOSYS),
    ]
    for numbers in DENIED.values():
        code += [_step(JUMP_EQUAL, numbers[column], 0, 1), _step(RETURN, EPERM)]
    code += [
        _step(JUMP_EQUAL, PTRACE[column], 0, 3),
        _step(LOAD, SECOND_ARGUMENT),
        _step(JUMP_EQUAL, 1, 0, 1),
        _step(RETURN, EPERM),
        _step(RETURN, ALLOW),
    ]
    return b"".join(code)


def _step(code: int, value: int, true: int = 0, false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, true, false, value)
