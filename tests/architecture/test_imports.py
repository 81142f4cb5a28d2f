"""The architecture is a test: what a package loads, and the import contracts."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]


def loaded_by(statement: str) -> set[str]:
    """Top-level names of all modules that a fresh interpreter holds after a statement."""
    program = f"import sys\n{statement}\nprint(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "never"),
    [
        (
            "import contract.config, contract.events, contract.presets",
            {"torch", "numpy", "sqlalchemy", "fastapi", "dash"},
        ),
        (
            "from neq import *",
            {
                "plotly",
                "tensorboard",
                "pydantic",
                "sqlalchemy",
                "fastapi",
                "dash",
                "contract",
                "trainer",
                "db",
                "server",
            },
        ),
        ("import neq", {"torch", "numpy", "httpx"}),
        ("import neq; neq.Client", {"torch", "pandas", "plotly", "pydantic"}),
        ("import db", {"torch", "pydantic", "fastapi", "dash", "trainer", "server"}),
        ("import server.app", {"torch", "torchvision", "dash", "neq", "trainer"}),
        ("import dashboard.app", {"torch", "sqlalchemy", "db", "trainer", "server"}),
        ("import trainer.worker", {"torch", "torchvision", "fastapi", "dash", "ray"}),
        ("import cli.entry", {"click", "pydantic", "contract", "trainer"}),
        ("import cli.main", {"torch", "sqlalchemy", "fastapi", "dash"}),
        ("import cli.resume, cli.launch, cli.runs", {"torch", "sqlalchemy", "fastapi", "dash"}),
        ("import cli.start, cli.worker, cli.recordings", {"torch", "torchvision", "ray"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_part_loads_no_more_than_it_may(statement: str, never: set[str]) -> None:
    assert not loaded_by(statement) & never


def test_the_check_of_loaded_modules_can_fail() -> None:
    assert loaded_by("import numpy") & {"numpy"}


def test_an_import_that_breaks_a_contract_is_found(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "__init__.py").write_text("import server\n")
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "__init__.py").write_text("")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.importlinter]\nroot_packages = ["db", "server"]\n'
        '[[tool.importlinter.contracts]]\nname = "x"\ntype = "forbidden"\n'
        'source_modules = ["db"]\nforbidden_modules = ["server"]\n'
    )
    lint = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(lint, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "db -> server" in done.stdout
