"""Where the recorded libraries live: a virtual environment, and a folder of Node packages."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
NODE = HERE / "libraries" / "kafkajs"


def python(folder: Path) -> Path:
    """An interpreter with the pinned packages, made under `folder` unless it is there already."""
    requirements = HERE / "requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    made = folder / f"python{sys.version_info.minor}-{digest}"
    interpreter = made / "bin" / "python"
    ready = made / ".ready"
    if not ready.exists():
        shutil.rmtree(made, ignore_errors=True)
        venv.create(made, with_pip=True)
        pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(requirements)], check=True)
        ready.touch()
    return interpreter


def node_modules() -> None:
    """The packages of the lock file, beside the script that needs them."""
    if not (NODE / "node_modules" / ".package-lock.json").exists():
        npm = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(npm, cwd=NODE, check=True)
