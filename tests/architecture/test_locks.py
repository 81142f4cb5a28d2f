"""Locks pin every package by hash, name no address, and agree with one another."""

import json
import re
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
LOCKS = sorted(REQUIREMENTS.glob("*.lock"))
NODE_LOCK = REQUIREMENTS.parent / "package-lock.json"
PIN = re.compile(r"^([a-zA-Z0-9._-]+)(?:\[[^\]]*\])?==(\S+)")


def pins(lock: Path) -> dict[str, str]:
    """Version by package name."""
    return {found[1]: found[2] for line in lock.read_text().splitlines() if (found := PIN.match(line))}


@pytest.mark.parametrize("lock", [*LOCKS, NODE_LOCK], ids=lambda lock: lock.stem)
def test_a_lock_names_no_host_and_no_path(lock: Path) -> None:
    assert not re.findall(r"https?://|file:|--(?:extra-)?index-url|--find-links| @ ", lock.read_text())


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_pin_has_hashes(lock: Path) -> None:
    blocks = re.split(r"\n(?=[a-zA-Z])", lock.read_text())
    assert blocks
    assert [block.split("\n")[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_every_package_of_the_browser_checks_has_a_hash() -> None:
    packages = {name: each for name, each in json.loads(NODE_LOCK.read_text())["packages"].items() if name}
    assert packages
    assert [name for name, each in packages.items() if not each.get("integrity", "").startswith("sha512-")] == []


@pytest.mark.parametrize("part", ["web", "trainer"])
def test_a_part_pins_the_versions_of_the_whole(part: str) -> None:
    whole = pins(REQUIREMENTS / "dev.lock")
    pinned = pins(REQUIREMENTS / f"{part}.lock")
    assert {name: whole.get(name) for name in pinned} == pinned


def test_the_web_process_needs_no_torch() -> None:
    assert "torch" not in pins(REQUIREMENTS / "web.lock")
    assert "torch" in pins(REQUIREMENTS / "trainer.lock")
