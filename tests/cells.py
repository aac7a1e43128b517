"""Load the notebook's definitions as a Python module: the .ipynb stays the only source.

The cells tagged "lib" are compiled under the name of a mirror file, build/cells.py, at
the lines they have there, so tracebacks, debuggers and coverage show real lines, each
under a header that names its cell.
"""
import json
import os
import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = Path(os.environ.get("MGRADPLUS_NOTEBOOK", ROOT / "mGradPlus.ipynb"))  # mutate.py tests another
MIRROR = ROOT / "build" / "cells.py"


def read(path=NOTEBOOK):
    """Return the notebook as a dict."""
    return json.loads(Path(path).read_text("utf-8"))


def source(cell):
    """Return the text of a cell."""
    return "".join(cell["source"])


def code_cells(path=NOTEBOOK, tag=None):
    """Return (position, id, source) of the code cells, or of those with `tag`."""
    return [(n, cell["id"], source(cell)) for n, cell in enumerate(read(path)["cells"])
            if cell["cell_type"] == "code" and (tag is None or tag in cell["metadata"].get("tags", []))]


def load(name="mgradplus", replace=None, until=None, path=NOTEBOOK):
    """Return a fresh module of all "lib" cells, up to and with the cell id `until`.

    `replace` maps a cell id to (old, new): the fault that a test puts into that cell.
    """
    module = types.ModuleType(name)
    mirror = MIRROR.with_name(f"{name}.py") if replace or until else MIRROR  # rules are read from it
    module.__file__ = str(mirror)
    sys.modules[name] = module
    lines, bodies = [], []
    for n, cell_id, text in code_cells(path, "lib"):
        if replace and cell_id in replace:
            old, new = replace[cell_id]
            if old not in text:
                raise ValueError(f"cell {cell_id} does not hold {old!r}")
            text = text.replace(old, new)
        lines.append(f"# %% cell {n} [{cell_id}]")
        bodies.append((cell_id, len(lines), text))
        lines += [*text.split("\n"), ""]
        if cell_id == until:
            break
    mirror.parent.mkdir(exist_ok=True)
    mirror.write_text("\n".join(lines), "utf-8")
    for cell_id, offset, text in bodies:
        try:
            exec(compile("\n" * offset + text, str(mirror), "exec", dont_inherit=True), module.__dict__)
        except Exception as error:
            error.add_note(f"in notebook cell [{cell_id}]")
            raise
    return module
