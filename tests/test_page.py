"""The house style, as far as a machine can see it."""
import ast
import re
import subprocess
import sys

import pytest
from cells import ROOT, code_cells, read, source
from notebook import COLLAPSED

LONG_CELLS = {  # the only ones over 30 lines that are not blank
    "open-imports": "one cell imports all",
    "node-class": "Node, once and whole",
    "array-tensor": "Tensor, once and whole",
    "learn-network": "Neuron, Layer and MLP on one screen",
}
CELLS = read()["cells"]
CODE = [(n, i, s) for n, i, s in code_cells() if s.strip()]
LIB = code_cells(tag="lib")
PROSE = [(cell["id"], source(cell)) for cell in CELLS if cell["cell_type"] == "markdown"]


CEILINGS = {  # of what a reader meets with every workshop collapsed: cells, words, lines of code
    "opening": (8, 350, 40), "1": (30, 1500, 55), "2": (55, 2300, 210), "3": (35, 1200, 60), "4": (65, 2300, 260),
    "5": (60, 2000, 330), "6": (22, 900, 110), "Your turn": (40, 1300, 90)}


def lines(text):
    return [line for line in text.splitlines() if line.strip()]


def headings(text):
    text = re.sub(r'```.*?```|<a id="[^"]+"></a>', "", text, flags=re.S)
    return re.findall(r"(?m)^(#{1,6}) +(.+)$", text)


def walk():
    """Return {chapter: [cells, words, lines]} that a reader meets."""
    met, chapter, inside = {"opening": [0, 0, 0]}, "opening", 0
    for cell in CELLS:
        text = source(cell)
        if cell["cell_type"] == "markdown":
            if head := re.match(r"(#+) (\d)?(.*)", text):
                inside = 0 if inside and len(head[1]) <= inside else inside
                if len(head[1]) == 2 and head[2]:
                    chapter = "Your turn" if "Your turn" in head[3] else head[2]
                    met[chapter] = [0, 0, 0]
            if not inside:
                met[chapter][0] += 1
                met[chapter][1] += len(text.split())
            if head and cell["metadata"].get(COLLAPSED):
                inside = len(head[1])
        elif not inside and text.strip():
            met[chapter][0] += 1
            met[chapter][2] += len(lines(text))
    return met


def test_the_walk_is_short():
    met = walk()
    assert {chapter: have for chapter, have in met.items()
            if any(a > b for a, b in zip(have, CEILINGS[chapter]))} == {}
    cells, words, code = map(sum, zip(*(have for chapter, have in met.items() if chapter in "opening 1 2 3 4")))
    assert cells <= 193 and words <= 7650 and code <= 625 and sum(have[0] for have in met.values()) <= 315


def test_the_opening_states_the_time_it_takes_to_read():
    way = [have for chapter, have in walk().items() if chapter in "opening 1 2 3 4"]
    half_hours = round(sum(words / 200 + code / 12 for _, words, code in way) / 30)
    assert {2: "an hour", 3: "an hour and a half", 4: "two hours"}[half_hours] + " you will" in PROSE[0][1]


def test_few_names_are_public():
    public = set()
    for _, _, text in LIB:
        for item in ast.parse(text).body:
            if isinstance(item, ast.FunctionDef | ast.ClassDef):
                public.add(item.name)
            elif isinstance(item, ast.Assign):
                public |= {n.id for t in item.targets for n in ast.walk(t)
                           if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    assert len({name for name in public if not name.startswith("_")}) <= 120


def test_cells_are_short():
    seen = [(i, s) for n, i, s in CODE if "hide-input" not in CELLS[n]["metadata"].get("tags", [])]
    assert {i: len(lines(s)) for i, s in seen if len(lines(s)) > 30 and i not in LONG_CELLS} == {}
    sizes = sorted(len(lines(s)) for _, _, s in CODE)
    assert sizes[len(sizes) // 2] <= 12


def test_lines_fit():
    assert [(i, line) for _, i, s in CODE for line in s.splitlines() if len(line) > 88] == []


def test_every_code_cell_is_led_in():
    alone = [i for n, i, s in CODE if CELLS[n - 1]["cell_type"] == "code" and len(lines(s)) > 2
             and "hide-input" not in CELLS[n]["metadata"].get("tags", [])]
    assert alone == []


def test_headings_go_down_a_level_at_a_time_one_a_cell():
    levels = []
    for cell_id, text in PROSE:
        found = headings(text)
        assert len(found) <= 1, cell_id
        levels += [len(marks) for marks, _ in found]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in zip(levels, levels[1:]))


def test_chapters_have_headings_that_front_ends_can_link_to():
    chapters = [title for _, text in PROSE for marks, title in headings(text) if re.match(r"\d", title) and marks == "##"]
    assert [int(title[0]) for title in chapters] == [*range(1, len(chapters) + 1)] and len(chapters) >= 6
    assert all(re.fullmatch(r"\d\. [A-Z][ -~]+", title) for title in chapters)


def test_chapters_have_an_anchor_where_headings_get_other_ids():
    """VS Code's ids are lower case; an <a> of Jupyter's and GitHub's id lets the same link work there."""
    for _, text in PROSE:
        if re.match(r"## \d", text):
            title, anchor = re.match(r'## (.+?)<a id="(.+?)"></a>', text).groups()
            assert anchor == title.replace(" ", "-")


def test_links_in_the_notebook_lead_somewhere():
    anchors = {title.strip().replace(" ", "-") for _, text in PROSE for _, title in headings(text)}
    for cell_id, text in PROSE:
        for words, target in re.findall(r"(!?)\[[^\]]*\]\(([^)]+)\)", text):
            if target.startswith("#"):
                assert target[1:] in anchors, (cell_id, target)
            elif not target.startswith(("http", "attachment:")):
                assert (ROOT / target).exists(), (cell_id, target)


def test_links_in_the_readme_lead_somewhere():
    text = (ROOT / "README.md").read_text("utf-8")
    anchors = {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for _, title in headings(text)}
    for _, target in re.findall(r"(!?)\[[^\]]*\]\(([^)]+)\)", text):
        if not target.startswith("https://"):
            assert target[1:] in anchors if target.startswith("#") else (ROOT / target).exists(), target


def test_pictures_in_the_text_have_words():
    for cell_id, text in PROSE:
        for words in re.findall(r"!\[([^\]]*)\]\(", text):
            assert len(words) > 20, cell_id
        assert not re.search(r"<img(?![^>]*alt=)", text), cell_id


def test_a_global_name_is_defined_in_one_cell():
    seen = {}
    for _, cell_id, text in CODE:
        for item in ast.parse(text).body:
            if isinstance(item, ast.FunctionDef | ast.ClassDef):
                assert seen.setdefault(item.name, cell_id) == cell_id, (item.name, cell_id)


def test_nothing_defined_is_hidden_by_a_demonstration():
    """A demonstration may use a, b, x … again, but never the name of something defined."""
    defined = {item.name for _, _, text in LIB for item in ast.parse(text).body
               if isinstance(item, ast.FunctionDef | ast.ClassDef)}
    for _, cell_id, text in CODE:
        for item in ast.walk(ast.parse(text)):
            if isinstance(item, ast.Module):
                bound = {t.id for stmt in item.body if isinstance(stmt, ast.Assign)
                         for target in stmt.targets for t in ast.walk(target) if isinstance(t, ast.Name)
                         and isinstance(t.ctx, ast.Store)}
                bound |= {t.id for stmt in item.body if isinstance(stmt, ast.For)
                          for t in ast.walk(stmt.target) if isinstance(t, ast.Name)}
                assert not bound & defined, (cell_id, bound & defined)


def test_everything_defined_says_what_it_returns():
    mute = []
    for _, cell_id, text in LIB:
        for item in ast.walk(ast.parse(text)):
            if isinstance(item, ast.ClassDef) and not ast.get_docstring(item):
                mute.append((cell_id, item.name))
            if isinstance(item, ast.Module | ast.ClassDef):
                mute += [(cell_id, f.name) for f in item.body if isinstance(f, ast.FunctionDef)
                         and not f.name.startswith("_") and not ast.get_docstring(f)
                         and not (len(f.body) == 1 and isinstance(f.body[0], ast.Return))]
    assert mute == []


def test_demonstrations_define_nothing_that_tests_need():
    for _, cell_id, text in LIB:
        kinds = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.Import, ast.ImportFrom, ast.If, ast.Try, ast.Expr)
        assert all(isinstance(item, kinds) for item in ast.parse(text).body), cell_id


def test_prose_and_code_are_in_proportion():
    words = sum(len(text.split()) for _, text in PROSE)
    code = [line for n, i, s in CODE for line in lines(s)
            if i not in LONG_CELLS and "hide-input" not in CELLS[n]["metadata"].get("tags", [])]
    comments = [line for line in code if line.strip().startswith("#")]
    assert 8 <= words / len(code) <= 30
    assert len(comments) < 0.07 * len(code)


@pytest.mark.parametrize("what", ["mGradPlus.ipynb", "tests"])
def test_ruff(what):
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "--no-cache", "--config", "tests/ruff.toml", what],
                          cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout


def test_top_level_holds_nothing_else():
    known = {"mGradPlus.ipynb", "assets", "requirements.txt", "README.md", "tests", "LICENSE", "build"}
    assert {p.name for p in ROOT.iterdir() if not p.name.startswith(".")} <= known
