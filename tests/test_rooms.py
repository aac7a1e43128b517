"""The rooms, the folded cells: what they take from the chapters, what they give, how they are folded."""
import ast
import builtins
import random
import symtable

import pytest
from cells import code_cells, load, read, source
from notebook import COLLAPSED

TAKEN = {  # what the rooms take from the chapters: each is a name that a reader must not give to something else
    "Node", "compute", "lift", "lifted", "sum_of", "weighted_sum",            # the engine
    "forward_difference", "central_difference",                               # the plot of chapter 1
    "MLP", "Neuron", "ACTIVATIONS", "SGD", "Adam", "squared_loss", "hinge_loss",  # networks and how they learn
    "Tensor", "lift_arrays", "unbroadcast", "Dense", "Sequence",              # arrays
}
OWN = ("num total mean dot kind save report max min sum gradient scores figure draw text font points labels x name "
       "words frame scene").split()  # what a reader may well call something of his own
SAVED = read()
CELLS = SAVED["cells"]
CODE = {cell_id: text for _, cell_id, text in code_cells()}
ROOMS = {cell["id"]: cell for cell in CELLS if cell["id"].startswith("room-")}


def names(table, wanted):
    """Return the names in a symbol table for which `wanted` is true."""
    return {symbol.get_name() for symbol in table.get_symbols() if wanted(symbol)}


def globals_used(table):
    """Return the global names that the functions and classes in a symbol table use."""
    found = set()
    for inner in table.get_children():
        found |= names(inner, lambda s: s.is_referenced() and s.is_global()) | globals_used(inner)
    return found


def defined(room):
    """Return the public names that a room defines."""
    table = symtable.symtable(CODE[room], room, "exec")
    return {name for name in names(table, lambda s: s.is_assigned() or s.is_imported()) if name[0] != "_"}


# ---- isolation

@pytest.mark.parametrize("room", ROOMS)
def test_rooms_use_nothing_that_a_reader_may_name_anew(room):
    imported = {(alias.asname or alias.name).split(".")[0] for item in ast.walk(ast.parse(CODE["open-imports"]))
                if isinstance(item, ast.Import | ast.ImportFrom) for alias in item.names}
    known = imported | set(dir(builtins)) - {"max", "min", "sum"} | TAKEN | set().union(*map(defined, ROOMS))
    used = globals_used(symtable.symtable(CODE[room], room, "exec"))
    assert sorted(name for name in used - known if not name.startswith("_")) == []


def test_rooms_define_only_what_visible_cells_call():
    called = {item.id for cell_id, text in CODE.items() if cell_id not in ROOMS
              for item in ast.walk(ast.parse(text)) if isinstance(item, ast.Name)}
    assert {room: defined(room) - called for room in ROOMS if defined(room) - called} == {}


class Screen(list):
    """What is displayed, and what replaces it."""

    def display(self, *things, **how):
        """Take what IPython's `display` takes; return the handle that it returns."""
        self.extend(things)
        return self

    def update(self, *things, **how):
        """Take what replaces something displayed."""
        self.extend(things)


def drawn(nb, graphs, folder):
    """Return what the rooms make of graphs: pictures, a player, a GIF, and a table."""
    out = [nb._draw_graph(graphs[0], rankdir="TB").svg, repr(nb.Table([[1, 2]], ["a", "b"])._repr_mimebundle_())]
    for root in graphs:
        drawing = root.draw_graph()
        player = root.backward(animate=True, gif=folder / "pass.gif", forward=True)
        out += [drawing.svg, drawing.png, drawing.dot, drawing.alt, player.html, (folder / "pass.gif").read_bytes()]
    return out


def watched(nb, run, screen):
    """Return the pictures of a training that the rooms show."""
    screen.clear()
    view = nb._LiveView(run)
    view.show()
    view.close()
    return [thing.data for thing in screen if isinstance(thing, nb._Picture)]


def test_names_of_a_reader_break_nothing_in_the_rooms(tmp_path, monkeypatch):
    nb, screen = load("isolated"), Screen()
    monkeypatch.setattr(nb, "display", screen.display)
    inputs = [nb.Node(v, "input", f"x{k}") for k, v in enumerate((0.5, -0.5))]
    weights = [nb.Node(v, "weight") for v in (2, 3)]
    neuron = (inputs[0] * weights[0] + inputs[1] * weights[1] + 4).relu()
    points = [[random.Random(k).gauss(y, 1), y] for k, y in enumerate([-1, 1] * 6)]
    run = nb.Training(nb.MLP(2, [3, 1], rng=random.Random(1)), points, [-1, 1] * 6, steps=2)
    run.train(live=False)
    graphs = [neuron, nb.lift(nb.sum_of)(*[(x * 2).tanh() for x in [*weights, *inputs] * 40])]
    for root in graphs:
        root.backward()
    assert len(nb.graph_of(graphs[1])) > 150
    before, live = drawn(nb, graphs, tmp_path), watched(nb, run, screen)
    for name in OWN:
        setattr(nb, name, 5)
    assert len(live) == 2 and watched(nb, run, screen) == live
    assert drawn(nb, graphs, tmp_path) == before


def test_without_the_drawer_the_error_says_what_to_run():
    ids = [cell_id for _, cell_id, _ in code_cells(tag="lib")]
    nb = load("undrawn", until=ids[ids.index("room-scene") - 1])
    for show in (lambda: nb.Node(1).draw_graph(), lambda: (2 * nb.Node(1)).backward(animate=True),
                 lambda: (2 * nb.Node(1)).backward(gif="never.gif")):
        with pytest.raises(NameError, match="run the four folded cells under .The drawer's workshop. in chapter 3"):
            show()


# ---- how they are folded

def test_rooms_carry_every_front_ends_way_to_fold():
    for cell in ROOMS.values():
        metadata = cell["metadata"]
        assert source(cell).startswith("# @title "), cell["id"]
        assert {"lib", "hide-input"} <= set(metadata["tags"]), cell["id"]
        assert metadata["jupyter"] == {"source_hidden": True} and metadata["cellView"] == "form", cell["id"]


def test_nothing_else_is_folded():
    for cell in CELLS:
        if cell["id"] not in ROOMS:
            metadata = cell["metadata"]
            assert "hide-input" not in metadata.get("tags", []) and "cellView" not in metadata, cell["id"]
            assert "jupyter" not in metadata, cell["id"]


def test_rooms_stand_in_two_collapsed_workshops():
    collapsed = [cell["id"] for cell in CELLS if cell["metadata"].get(COLLAPSED)]
    assert SAVED["metadata"]["colab"]["collapsed_sections"] == collapsed == ["open-workshop", "watch-drawer"]
    ids, sizes = [cell["id"] for cell in CELLS], []
    for heading in collapsed:
        cells = CELLS[ids.index(heading):]
        assert source(cells[0]).startswith("### ")
        sizes.append(next(n for n, cell in enumerate(cells[1:]) if cell["id"] not in ROOMS))
    assert sizes[0] <= 2 and sizes[1] <= 4 and sum(sizes) == len(ROOMS)
