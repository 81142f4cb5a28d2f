#!/bin/sh
# Pins every package, with hashes and without addresses. dev.lock holds all; the others are parts of it, same versions.
# neq is the checkout's own and in no lock. package-lock.json pins the programs that check the browser's code, likewise.
set -eu
cd "$(dirname "$0")/.."
unset UV_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL UV_DEFAULT_INDEX UV_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS || true
compile() { uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet --no-emit-package neq "$@"; }
compile pyproject.toml --all-extras --group dev -o requirements/dev.lock
compile pyproject.toml --extra trainer -c requirements/dev.lock -o requirements/trainer.lock
compile pyproject.toml -c requirements/dev.lock -o requirements/web.lock
echo "uv" | compile - -o requirements/uv.lock

# npm copies each package's addresses for donations into the lock; no address stays in it.
.venv/bin/npm install --package-lock-only
.venv/bin/python - <<'END'
import json
from pathlib import Path

path = Path("package-lock.json")
lock = json.loads(path.read_text())
for package in lock["packages"].values():
    package.pop("funding", None)
path.write_text(json.dumps(lock, indent=2) + "\n")
END
