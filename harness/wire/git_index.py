"""Read which files a git repository keeps, from its index (versions 2, 3 and 4), without git."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

_HEADER: Final = 12
_STAT: Final = 40
_EXTENDED: Final = 0x4000
_HASHES: Final = {"sha1": 20, "sha256": 32}


class IndexUnreadable(ValueError):
    """The index is of a kind that is not read here."""


def repository_of(file: Path) -> tuple[Path, Path] | None:
    """Return the work tree around `file` and its git folder (a worktree or submodule has it elsewhere), or None."""
    for folder in file.parents:
        inside = folder / ".git"
        if inside.is_dir():
            return folder, inside
        if inside.is_file():
            words = inside.read_text(encoding="utf-8", errors="replace").partition("gitdir:")[2].strip()
            return folder, (folder / words).resolve()
    return None


def keeps(file: Path) -> bool:
    """Whether the index of the repository around `file` names it; raises IndexUnreadable for an index of another kind."""
    found = repository_of(file)
    if found is None or not (found[1] / "index").is_file():
        return False
    root, folder = found
    wanted = file.relative_to(root).as_posix().encode()
    return wanted in paths((folder / "index").read_bytes(), _hash_size(folder))


def _hash_size(folder: Path) -> int:
    try:
        config = (folder / "config").read_text(encoding="utf-8", errors="replace").lower()
    except OSError:
        return _HASHES["sha1"]
    return _HASHES["sha256" if "objectformat = sha256" in config else "sha1"]


def paths(data: bytes, hash_size: int = 20) -> Iterator[bytes]:
    """Yield the paths of an index; raises IndexUnreadable when it is of another kind or cut off."""
    version, count = int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")
    if data[:4] != b"DIRC" or version not in {2, 3, 4}:
        raise IndexUnreadable(version)
    place, path = _HEADER, b""
    for _ in range(count):
        start = place
        place += _STAT + hash_size
        flags = int.from_bytes(data[place : place + 2], "big")
        place += 4 if flags & _EXTENDED and version > 2 else 2
        shared = 0
        if version == 4:
            drop, place = _number(data, place)
            shared = len(path) - drop
        end = data.find(b"\0", place)
        if end < 0 or shared < 0:
            raise IndexUnreadable(version)
        path = path[:shared] + data[place:end]
        # Entries of version 2 and 3 are filled with one to eight zeros to a multiple of eight.
        place = end + 1 if version == 4 else start + ((end - start) // 8 + 1) * 8
        yield path
    if b"link" in _extensions(data[place : len(data) - hash_size]):
        raise IndexUnreadable(version)  # the other half stands in a shared index


def _extensions(data: bytes) -> Iterator[bytes]:
    """Yield the names of the extensions behind the entries."""
    while len(data) >= 8:
        yield data[:4]
        data = data[8 + int.from_bytes(data[4:8], "big") :]


def _number(data: bytes, place: int) -> tuple[int, int]:
    """Return a number of variable width as git writes it, and where it ends."""
    value = -1
    while place < len(data):
        octet = data[place]
        value = (value + 1) << 7 | octet & 0x7F
        place += 1
        if not octet & 0x80:
            return value, place
    raise IndexUnreadable(4)
