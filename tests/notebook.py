"""Edit, run and check mGradPlus.ipynb, which stays the only source.

    python tests/notebook.py text     # notebook -> build/mGradPlus.py: jupytext's percent cells, ids in the headers
    python tests/notebook.py apply    # build/mGradPlus.py -> notebook, as `jupytext --update` does: cells keep their outputs
    python tests/notebook.py run      # run all in a fresh kernel, store clean outputs (assets/, and what is attached)
    python tests/notebook.py verify   # run a copy in a fresh kernel; complain about errors, warnings, differences
    python tests/notebook.py check    # valid, clean, exact round trip through the text form
"""
import base64
import json
import mimetypes
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from cells import NOTEBOOK, ROOT, read, source
from nbformat.corpus.words import generate_corpus_id

TEXT = ROOT / "build" / "mGradPlus.py"
COLLAPSED = "jp-MarkdownHeadingCollapsed"
METADATA = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"}}
KEPT = {"tags", "jupyter", "cellView", COLLAPSED}
WIDGET = "application/vnd.jupyter.widget-view+json"


def dumps(notebook):
    """Return the file's text for a notebook: as nbformat and JupyterLab write it."""
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def write(notebook, path=NOTEBOOK):
    """Write the notebook under a temporary name, then rename: never half a file."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(dumps(notebook), "utf-8")
    os.replace(temporary, path)


def clean_output(output):
    """Return an output without counts, widget views and addresses; None if nothing is left."""
    if "execution_count" in output:
        output["execution_count"] = None
    if "data" in output:
        output["metadata"] = {}
        if output["data"].pop(WIDGET, None) is not None and set(output["data"]) <= {"text/plain"}:
            return None
        for kind, data in output["data"].items():
            if kind.startswith("text/") or kind.endswith("svg+xml"):
                text = "".join(data)
                text = re.sub(r" at 0x[0-9a-f]{6,}", "", text) if kind == "text/plain" else text
                output["data"][kind] = text.splitlines(keepends=True)
    if "text" in output:
        output["text"] = "".join(output["text"]).splitlines(keepends=True)
    return output


def clean(notebook):
    """Return the notebook in its one clean form: no times, counts, widget state or host."""
    collapsed = [cell["id"] for cell in notebook["cells"] if cell["metadata"].get(COLLAPSED)]
    metadata = METADATA | {"colab": {"collapsed_sections": collapsed}}
    notebook = {"cells": notebook["cells"], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    for cell in notebook["cells"]:
        cell["metadata"] = {k: v for k, v in cell["metadata"].items() if k in KEPT and v}
        cell["source"] = source(cell).rstrip("\n").splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell["execution_count"] = None
            cell["outputs"] = [out for out in map(clean_output, cell["outputs"]) if out]
    return notebook


def attach(notebook, folder):
    """Return the notebook; what a text shows as attachment:name is the file assets/name of `folder`, if it is there."""
    for cell in notebook["cells"]:
        names = re.findall(r"\(attachment:([\w.-]+)\)", source(cell)) if cell["cell_type"] == "markdown" else []
        kept = cell.pop("attachments", {})
        for name in names:
            path = Path(folder) / "assets" / name
            if path.is_file():
                code = base64.b64encode(path.read_bytes()).decode()
                kept = kept | {name: {mimetypes.guess_type(name)[0]: code}}
        if kept := {name: kept[name] for name in names if name in kept}:
            cell["attachments"] = kept
    return notebook


def as_node(notebook):
    """Return a notebook's dict as nbformat's object."""
    return nbformat.reads(json.dumps(notebook), 4)


def to_text(notebook):
    """Return the notebook as jupytext's percent cells, each cell's id among its metadata."""
    node = as_node(notebook)
    for cell in node.cells:
        cell.pop("attachments", None)
        cell.metadata["id"] = cell.id
    return jupytext.writes(node, "py:percent")


def from_text(text, old):
    """Return the notebook of percent cells; a cell keeps the outputs its id has in `old`, new cells get an id."""
    node = jupytext.reads(text, "py:percent")
    outputs = {cell.id: cell.outputs for cell in as_node(old).cells if cell.cell_type == "code"}
    attached = {cell.id: cell.attachments for cell in as_node(old).cells if "attachments" in cell}
    for cell in node.cells:
        cell.id = cell.metadata.pop("id", None) or generate_corpus_id()
        if cell.cell_type == "code":
            cell.outputs = outputs.get(cell.id, [])
        elif cell.id in attached:
            cell.attachments = attached[cell.id]
    ids = [cell.id for cell in node.cells]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        sys.exit(f"Two cells share an id: {', '.join(twice)}")
    return clean(json.loads(nbformat.writes(node)))


def execute(notebook, folder, timeout=600):
    """Return the notebook after running it in a fresh kernel that works in `folder`."""
    from queue import Empty
    from time import monotonic

    from nbclient import NotebookClient

    class Client(NotebookClient):
        """A client that looks for a cell's reply every half second.

        Traffic of an Output widget can hide the reply until the timeout has passed
        (github.com/jupyter/nbclient/issues/312).
        """

        async def async_start_new_kernel_client(self):
            client = await super().async_start_new_kernel_client()
            get = client.shell_channel.get_msg

            async def get_msg(timeout=None):
                end = monotonic() + (float("inf") if timeout is None else timeout)
                while True:
                    try:
                        return await get(timeout=min(0.5, max(0, end - monotonic())))
                    except Empty:
                        if monotonic() >= end:
                            raise
            client.shell_channel.get_msg = get_msg
            return client

    os.environ.pop("MPLBACKEND", None)  # it would switch the figures of the kernel off
    os.environ["PYTHONHASHSEED"] = "0"
    node = as_node(notebook)
    Client(node, timeout=timeout, kernel_name="python3", record_timing=False, coalesce_streams=True,
           resources={"metadata": {"path": str(folder)}}).execute()
    return clean(json.loads(nbformat.writes(node)))


def run_copy(notebook):
    """Return (notebook, folder): a run of a copy in a new temporary folder, and its files."""
    folder = Path(tempfile.mkdtemp(prefix="mgradplus "))
    return execute(notebook, folder), folder


def shown(cell):
    """Return what a code cell shows, as text; of pictures only that they are there."""
    out = []
    for output in cell["outputs"]:
        data = output.get("data", {})
        text = "".join(output.get("text", data.get("text/plain", "")))
        pictures = re.findall(r"data:image/[\w+]+", "".join(data.get("text/html", "")))
        out.append((output["output_type"], text, pictures, sorted(data)))
    return out


def complaints(fresh, saved):
    """Return what is wrong with a fresh run: errors, warnings, texts unlike the saved ones.

    A cell tagged "varies" may show another text: it says what is installed on this machine.
    """
    said = []
    for new, old in zip(fresh["cells"], saved["cells"]):
        if new.get("attachments") != old.get("attachments"):
            said.append(f"[{new['id']}] shows an attachment that is not the file of this run")
        if new["cell_type"] == "code":
            said += [f"[{new['id']}] writes to stderr: {''.join(out['text'])[:200]}"
                     for out in new["outputs"] if out.get("name") == "stderr"]
            if shown(new) != shown(old) and "varies" not in old["metadata"].get("tags", []):
                said.append(f"[{new['id']}] shows {shown(new)!r:.300}\n  and not, as saved, {shown(old)!r:.300}")
    return said


def check(text):
    """Raise if the notebook's text is not valid, clean, or exact when taken through text form."""
    notebook = json.loads(text)
    nbformat.validate(nbformat.reads(text, 4))
    assert text == dumps(clean(json.loads(text))), "not clean: do text, then apply"
    assert text == dumps(from_text(to_text(notebook), notebook)), "the round trip is not exact"


def main(what):
    """Do one of the commands of the module's docstring."""
    old = read()
    if what == "text":
        TEXT.parent.mkdir(exist_ok=True)
        TEXT.write_text(to_text(old), "utf-8")
    elif what == "apply":
        write(attach(from_text(TEXT.read_text("utf-8"), old), ROOT))
    elif what == "run":
        write(attach(execute(old, ROOT), ROOT))
    elif what == "verify":
        fresh, folder = run_copy(old)
        said = complaints(attach(fresh, folder), old)
        shutil.rmtree(folder)
        sys.exit("\n".join(said) if said else print(f"ok: all {len(old['cells'])} cells ran, the outputs are as saved"))
    elif what == "check":
        check(NOTEBOOK.read_text("utf-8"))
        print(f"ok: {len(old['cells'])} cells, {NOTEBOOK.stat().st_size:,} bytes")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else "")
