"""Small repositories for the index's tests."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

SHOP = {
    "shop/__init__.py": b'"""A shop."""\n',
    "shop/basket.py": b'''"""What a customer takes."""

from shop.prices import Price, rounded


class Basket(list):
    """Things, in the order they came."""

    currency = "EUR"

    def total(self):
        """Sum of the prices, rounded half up."""
        return rounded(sum(item.amount for item in self))

    def clear_all(self):
        def forget(item):
            return None

        return [forget(item) for item in self]
''',
    "shop/prices.py": b'''class Price:
    def __init__(self, amount):
        self.amount = amount


def rounded(amount):
    """Two decimals."""
    return int(amount * 100) / 100
''',
    "tests/test_basket.py": b"from shop.basket import Basket\n\n\ndef test_total():\n    assert not Basket()\n",
    "docs/refunds.md": b"# Shop\n\nWelcome.\n\n## Refunds\n\nMoney goes back within a fortnight.\n",
}


def write_tree(folder: Path, files: Mapping[str, bytes]) -> Path:
    for path, data in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return folder


def commit_tree(folder: Path, files: Mapping[str, bytes]) -> str:
    """Write files, commit everything; the commit's id."""
    write_tree(folder, files)
    if not (folder / ".git").exists():
        run_git(folder, "init", "-q")
    run_git(folder, "add", "-A")
    run_git(folder, "commit", "-q", "-m", "state")
    return run_git(folder, "rev-parse", "HEAD")


def run_git(folder: Path, *arguments: str) -> str:
    identity = {
        f"GIT_{who}_{what}": "x@example.invalid" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    environment = {**os.environ, **identity, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()
