"""Names of files and folders that lie in people's folders and are no part of a set."""

from contract.checks.names import legible

_SYSTEM_FILES = {"thumbs.db", "desktop.ini", "icon\r"}
_SYSTEM_FOLDERS = {
    "__macosx": "left by macOS",
    "__pycache__": "left by Python",
    "@eadir": "left by a Synology disk station",
    "$recycle.bin": "in a recycle bin",
    "system volume information": "left by Windows",
    "lost+found": "left by the file system",
}


def stray_reason(name: str, *, folder: bool) -> str | None:
    """Why a file or folder of this name belongs to no set; None: it may belong to one."""
    lower = name.lower()
    if name.startswith("._") or lower == ".ds_store":
        return "left by macOS"
    if name.startswith("."):
        return f"in the hidden folder {legible(name)}" if folder else "hidden file"
    if folder:
        return _SYSTEM_FOLDERS.get(lower)
    return "left by Windows" if lower in _SYSTEM_FILES else None
