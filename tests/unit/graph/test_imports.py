"""What is needed to show a chain loads quickly: no networkx behind it."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["graph.model", "graph.chain", "graph.wire", "graph.topology", "graph.export"]
)
def test_networkx_is_loaded_only_where_a_graph_is_made(module: str) -> None:
    program = f"import sys, {module}; print(sorted(set(sys.modules) & {{'networkx', 'numpy'}}))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_a_chain_is_written_without_networkx() -> None:
    program = (
        "import sys; from graph.export import CHAIN_FORMATS; from graph.chain import Start, find;"
        "from tests.builders import Flow; flow = Flow(); chain = flow.chain(flow.send('a', 'b'));"
        "written = [one.function(chain) for one in CHAIN_FORMATS.values()];"
        "print(len(written), 'networkx' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.stdout.strip(), done.stderr) == ("4 False", "")


def test_showing_a_chain_needs_nothing_that_finds_one() -> None:
    program = "import sys, graph.wire; print('graph.chain.expand' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.stdout.strip(), done.stderr) == ("False", "")
