"""Mutation testing: put small faults into the notebook's definitions and see whether the quick tests notice.

    python tests/mutate.py                        # 300 faults, spread over chapters 2, 4, 5 and what stands behind them (0)
    python tests/mutate.py 100 --chapters 2       # 100 faults in chapter 2
    python tests/mutate.py 50 --seed 7 --cells learn-labels array-losses

The faults are those of Cosmic Ray (operators, comparisons, constants, `not`, exceptions, loops that never run, ...) and two more:
two arguments of a call change places, and a statement or an `if` is dropped. Each place gets one fault, drawn at random. Cells
that only draw are left out. What survives is printed as it stands in its cell: a hole in the tests, or a fault that changes nothing.
"""
import argparse
import ast
import contextlib
import functools
import json
import multiprocessing
import os
import random
import re
import sys
import tempfile
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cosmic_ray.ast
import cosmic_ray.mutating
import cosmic_ray.plugins
from cells import ROOT, read, source
from cosmic_ray.operators.operator import Example, Operator
from parso.python.tree import Name

FIRST = {"node": "test_engine.py", "learn": "test_learning.py", "array": "test_values.py",
         "look": "test_transformer.py"}
FILES = ["test_engine.py", "test_values.py", "test_learning.py", "test_lessons.py", "test_refusals.py", "test_arrays.py",
         "test_transformer.py"]
CHAPTERS = {0: "room-tools", 2: "node", 4: "learn", 5: "array", 6: "look"}
DRAWS = re.compile(r"\b(ax|axes|fig|widgets|_?figure|display|html|_html)\b")
SECONDS, MEMORY, EXAMPLES = 240, 6 << 30, 0.04
RAN = 100  # is added to pytest's exit code, so that nothing else is taken for it
LOADED = ["__main__", "pytest", "numpy", "matplotlib.pyplot", "sklearn.datasets",
          "IPython.display", "ipywidgets", "imageio.v3", "PIL.ImageFont", "graphviz"]  # once, where processes can be forked


class SwapArguments(Operator):
    """Two neighboring positional arguments of a call change places."""

    @staticmethod
    def plain(node):
        return node.type not in ("operator", "argument", "comp_for", "sync_comp_for")

    def mutation_positions(self, node):
        """Return the place of every pair."""
        children = node.children if node.type == "arglist" else []
        pairs = zip(children[::2], children[2::2])
        return [(a.start_pos, b.end_pos) for a, b in pairs if self.plain(a) and self.plain(b)]

    def mutate(self, node, index):
        """Return the node with its `index`-th pair swapped."""
        at = [k for k in range(0, len(node.children) - 2, 2)
              if self.plain(node.children[k]) and self.plain(node.children[k + 2])][index]
        a, b = node.children[at], node.children[at + 2]
        node.children[at] = Name(b.get_code(), a.start_pos)
        node.children[at + 2] = Name(a.get_code(), b.start_pos)
        return node

    @classmethod
    def examples(cls):
        """Return what it does, for Cosmic Ray."""
        return (Example("f(a, b)", "f( b,a)"),)


class DropStatement(Operator):
    """A statement inside a function, or an `if` with all that belongs to it, is left out."""

    def mutation_positions(self, node):
        """Return the place of the node if it can be dropped."""
        inside = node.search_ancestor("funcdef") if node.type in ("simple_stmt", "if_stmt") else None
        text = node.type == "simple_stmt" and node.children[0].type in ("string", "keyword", "fstring")
        return [(node.start_pos, node.end_pos)] if inside and not text else []

    def mutate(self, node, index):
        """Return `pass` in the place of the node."""
        return Name("pass\n", node.start_pos, prefix=node.get_first_leaf().prefix)

    @classmethod
    def examples(cls):
        """Return what it does, for Cosmic Ray."""
        return (Example("def f():\n    a = 1\n", "def f():\n    pass\n"),)


@functools.cache
def operators():
    """Return {name: operator} of all that need no arguments."""
    found = {name.split("/")[1]: cosmic_ray.plugins.get_operator(name) for name in cosmic_ray.plugins.operator_names()}
    return {name: kind() for name, kind in found.items() if not kind.arguments()} | {
        "SwapArguments": SwapArguments(), "DropStatement": DropStatement()}


def family(name):
    """Return the name of an operator without what it replaces: ReplaceBinaryOperator, say."""
    return name.split("_")[0]


class Places(cosmic_ray.ast.Visitor):
    """Collects, for one operator, where it can be applied: the start of each occurrence."""

    def __init__(self, operator):
        self.operator, self.found = operator, []

    def visit(self, node):
        """Note the node's positions."""
        self.found += [start for start, _ in self.operator.mutation_positions(node)]
        return node


def faults(text):
    """Return {(family, place): [(operator, occurrence)]} for the text of a cell."""
    out, tree = defaultdict(list), cosmic_ray.ast.get_ast(text)
    for name, operator in operators().items():
        places = Places(operator)
        places.walk(tree)
        for k, place in enumerate(places.found):
            out[family(name), place].append((name, k))
    return out


def mutant(text, name, occurrence):
    """Return the text with a fault, or None if it is no other program."""
    new = cosmic_ray.mutating.mutate_code(text, operators()[name], occurrence)
    try:
        return new if new and ast.dump(ast.parse(new)) != ast.dump(ast.parse(text)) else None
    except SyntaxError:
        return None


def drawing_lines(text):
    """Return the lines of a room's functions and classes that draw."""
    return {line for item in ast.parse(text).body if DRAWS.search(ast.get_source_segment(text, item))
            for line in range(item.lineno, item.end_lineno + 1)}


def sample(chapters, chosen, count, seed):
    """Return [(cell id, operator, new text)]: a fault at each of `count` places drawn from all of them."""
    draw, places = random.Random(seed), []
    for cell in read()["cells"]:
        tags, text = cell["metadata"].get("tags", []), source(cell)
        wanted = cell["id"] in chosen if chosen else {cell["id"], cell["id"].split("-")[0]} & chapters
        if "lib" in tags and wanted:
            skip = drawing_lines(text) if "hide-input" in tags else ()
            places += [(cell["id"], text, ways) for (_, place), ways in sorted(faults(text).items())
                       if place[0] not in skip]
    draw.shuffle(places)
    out = []
    for cell_id, text, ways in places:
        name, occurrence = draw.choice(ways)
        if len(out) < count and (new := mutant(text, name, occurrence)):
            out.append((cell_id, name, new))
    return out


def survives(fault, folder, number):
    """Return whether the quick tests pass with a fault in the notebook: (cell id, operator, new text)."""
    cell_id, _, text = fault
    notebook = read()
    for cell in notebook["cells"]:
        if cell["id"] == cell_id:
            cell["source"] = text.splitlines(keepends=True)
    path = Path(folder, f"mutant_{number}.ipynb")
    path.write_text(json.dumps(notebook), "utf-8")
    first = FIRST.get(cell_id.split("-")[0], FILES[0])
    process = context().Process(target=run_tests, args=(path, sorted(FILES, key=lambda name: name != first)))
    process.start()
    process.join(SECONDS)
    process.kill()
    process.join()
    if 0 <= process.exitcode < RAN:
        raise RuntimeError(f"pytest could not be started; exit code {process.exitcode}")
    return process.exitcode == RAN


@functools.cache
def context():
    """Return how processes are started: forked from one that has loaded the packages, if possible."""
    forks = "forkserver" in multiprocessing.get_all_start_methods()
    how = multiprocessing.get_context("forkserver" if forks else "spawn")
    if forks:
        how.set_forkserver_preload(LOADED)
    return how


def run_tests(path, files):
    """Run the quick tests of some files on the notebook `path`, up to the first failure, and exit with RAN + pytest's code."""
    import pytest
    with contextlib.suppress(ImportError):  # Windows has no such limit
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.environ |= {"MGRADPLUS_NOTEBOOK": str(path), "MGRADPLUS_EXAMPLES": str(EXAMPLES)}
    sys.modules.pop("cells", None)
    os.chdir(ROOT / "tests")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(RAN + pytest.main(["-x", "-q", "-m", "not slow and not faults", "-p", "no:cacheprovider", *files]))


def changed(cell_id, text):
    """Return the lines of a cell before and after."""
    old = {cell["id"]: source(cell) for cell in read()["cells"]}[cell_id].split("\n")
    new = text.split("\n")
    lines = [f"    - {line.strip()}" for line in old if line not in new] + [f"    + {line.strip()}" for line in new if line not in old]
    return "\n".join(lines)


def main():
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("count", type=int, nargs="?", default=300, help="how many faults (300)")
    parser.add_argument("--chapters", type=int, nargs="+", default=list(CHAPTERS), choices=CHAPTERS)
    parser.add_argument("--cells", nargs="+", default=[], help="ids of cells, in place of chapters")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    asked = parser.parse_args()
    chosen = sample({CHAPTERS[n] for n in asked.chapters}, asked.cells, asked.count, asked.seed)
    survivors, done = [], 0
    whole = next((cell["id"], "", source(cell)) for cell in read()["cells"] if cell["id"] == chosen[0][0])
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(asked.jobs) as pool:
        if not survives(whole, folder, "none"):
            sys.exit("the quick tests fail without any fault: mend that first")
        for fault, alive in zip(chosen, pool.map(lambda k: survives(chosen[k], folder, k), range(len(chosen)))):
            done += 1
            if alive:
                survivors.append(fault)
                print(f"[{fault[0]}] {fault[1]}\n{changed(fault[0], fault[2])}", flush=True)
            if not done % 25:
                print(f"{done} of {len(chosen)} tried, {len(survivors)} survive", file=sys.stderr, flush=True)
    by = Counter(fault[0].split("-")[0] for fault in chosen)
    left = Counter(fault[0].split("-")[0] for fault in survivors)
    for part, number in sorted(by.items()):
        print(f"{part}: {left[part]} of {number} survive")
    print(f"{len(survivors)} of {len(chosen)} faults survive ({len(survivors) / max(1, len(chosen)):.1%}), seed {asked.seed}")


if __name__ == "__main__":
    main()
