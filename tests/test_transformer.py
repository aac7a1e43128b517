"""Chapter 6: attention, the transformer that sorts, where it looks; and `Training` on arrays."""
import html
import itertools
import math
import random
import re

import numpy as np
import pytest
from cells import read, source

PARTS = ["", "place", "mask", "residual", "norm"]


def soft(scores):
    """An independent softmax of a row, as a list."""
    powers = [math.exp(s - max(scores)) for s in scores]
    return [p / sum(powers) for p in powers]


def looked(q, k, v, mask):
    """Attention as the text tells it: token by token, in plain numbers."""
    mixes, shares = [], []
    for i, query in enumerate(q):
        seen = range(i + 1) if mask else range(len(k))
        row = soft([sum(a * b for a, b in zip(query, k[j])) / math.sqrt(len(query)) for j in seen])
        shares.append(row + [0] * (len(k) - len(row)))
        mixes.append([sum(share * v[j][c] for j, share in zip(seen, row)) for c in range(len(v[0]))])
    return mixes, shares


def forward(weights, tokens, rounds=1, without=""):
    """The network in plain NumPy, list by list: scores (n, t - 5, 10) and the last shares."""
    digit, place, query, key, value, out, up, down, read_out = weights

    def norm(x):
        return x if without == "norm" else x / np.sqrt(np.mean(x**2, axis=1)[:, None] + 1e-5)
    scores, shares = [], []
    for row in tokens:
        x = np.array([digit[t] + place[0 if without == "place" else k] for k, t in enumerate(row)])
        for _ in range(rounds):
            h = norm(x)
            mixed, share = looked(*[(h @ w).tolist() for w in (query, key, value)], mask=without != "mask")
            x = (0 if without == "residual" else x) + np.array(mixed) @ out
            hidden = norm(x) @ up
            x = (0 if without == "residual" else x) + np.where(hidden > 0, hidden, 0) @ down
        scores.append((norm(x) @ read_out)[5:])
        shares.append(share)
    return np.array(scores), np.array(shares)


def loss_of(scores, answers):
    """The mean cross-entropy, entry by entry."""
    return np.mean([-math.log(soft(s)[y]) for rows, row in zip(scores.tolist(), answers) for s, y in zip(rows, row)])


# ---------------------------------------------------------------- attention
@pytest.mark.parametrize("size", [0, 1, 800])
def test_softmax(nb, size):
    x = np.random.default_rng(1).normal(size=(2, 3, 4)) * size
    got = nb.softmax(nb.Tensor(x)).value
    np.testing.assert_allclose(got, [[soft(row) for row in rows] for rows in x.tolist()], rtol=1e-13, atol=1e-300)
    if size < 800:
        assert nb.gradient_error(nb.softmax, x) < 1e-8
    t = nb.Tensor(x)
    nb.softmax(t).sum().backward()  # shares add up to 1 whatever the scores are
    np.testing.assert_allclose(t.grad, 0, atol=1e-14)


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("shape", [(3, 2), (1, 4), (4, 3), (2, 4, 3)])
def test_attention_against_the_text(nb, mask, shape):
    rng = np.random.default_rng(2)
    q, k, v = (rng.normal(size=(*shape[:-1], width)) for width in (shape[-1], shape[-1], 5))
    mix, shares = nb.attention(nb.Tensor(q), nb.Tensor(k), nb.Tensor(v), mask)
    stacks = [a.reshape(-1, *a.shape[-2:]).tolist() for a in (q, k, v)]
    expected = [looked(*one, mask) for one in zip(*stacks)]
    np.testing.assert_allclose(mix.value.reshape(len(expected), shape[-2], 5), [m for m, _ in expected], rtol=1e-13)
    np.testing.assert_allclose(shares.value.reshape(len(expected), shape[-2], shape[-2]), [s for _, s in expected],
                               rtol=1e-13, atol=0)
    assert nb.gradient_error(lambda *t: nb.attention(*t, mask)[0], q, k, v) < 1e-8
    assert nb.gradient_error(lambda a, b: nb.attention(a, b, nb.Tensor(v), mask)[1], q, k) < 1e-8


def test_the_mask_is_on_unless_it_is_taken_off(nb):
    x = nb.Tensor(np.eye(3))
    assert np.triu(nb.attention(x, x, x)[1].value, 1).sum() == 0 < np.triu(nb.attention(x, x, x, False)[1].value, 1).sum()


def test_without_places_and_mask_order_does_not_matter(nb):
    rng = np.random.default_rng(3)
    q, k, v = (nb.Tensor(rng.normal(size=(5, 4))) for _ in range(3))
    order = rng.permutation(5)
    mix, moved = nb.attention(q, k, v, False)[0], nb.attention(q, k[order], v[order], False)[0]
    np.testing.assert_allclose(mix.value, moved.value, rtol=1e-13)


@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 3, 4)])
def test_rms_norm(nb, shape):
    x = np.random.default_rng(4).normal(size=shape) * 3
    expected = x / np.sqrt((x**2).sum(-1, keepdims=True) / shape[-1] + 1e-5)
    np.testing.assert_allclose(nb.rms_norm(nb.Tensor(x)).value, expected, rtol=1e-14)
    assert nb.gradient_error(nb.rms_norm, x) < 1e-8
    assert not nb.rms_norm(nb.Tensor(np.zeros(shape))).value.any()


def test_attention_in_single_precision_stays_there(nb):
    q, k, v = (nb.Tensor(np.random.default_rng(n).normal(size=(2, 3, 4)).astype(np.float32)) for n in range(3))
    mix, shares = nb.attention(q, k, v)
    nb.rms_norm(mix).sum().backward()
    assert {t.dtype for t in (mix.value, shares.value, q.grad, k.grad, v.grad)} == {np.dtype("float32")}


# ---------------------------------------------------------------- the network
@pytest.mark.parametrize("rounds, without", [*itertools.product((1, 2), PARTS)])
def test_the_network_against_plain_numpy_every_gradient_nudged(nb, rounds, without):
    net = nb.Sorter(rounds, without, width=4, seed=5)
    weights = [p.value * 4 for p in net.parameters()]  # so that every part has its say
    for p, w in zip(net.parameters(), weights):
        p.value = w
    tokens, answers = nb.sorting_task(3, seed=6)
    scores = net(tokens)
    expected, shares = forward(weights, tokens, rounds, without)
    np.testing.assert_allclose(scores.value, expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(net.shares, shares, rtol=1e-11, atol=1e-14)
    loss = nb.cross_entropy(scores, answers)
    loss.backward()
    assert loss.value == pytest.approx(loss_of(expected, answers), rel=1e-12)
    for k, p in enumerate(net.parameters()):
        measured = np.empty(p.shape)
        for at in np.ndindex(p.shape):
            sides = []
            for push in (1e-6, -1e-6):
                moved = [w.copy() for w in weights]
                moved[k][at] += push
                sides.append(loss_of(forward(moved, tokens, rounds, without)[0], answers))
            measured[at] = (sides[0] - sides[1]) / 2e-6
        np.testing.assert_allclose(p.grad, measured, rtol=1e-6, atol=2e-9, err_msg=p.name)


@pytest.mark.parametrize("without", PARTS)
def test_no_place_sees_a_later_one_but_without_the_mask(nb, without):
    net = nb.Sorter(without=without)
    tokens, _ = nb.sorting_task(20, seed=7)
    scores = net(tokens).value
    for length in range(6, 11):
        short = net(tokens[:, :length]).value
        assert (abs(short - scores[:, :length - 5]).max() < 1e-12) == (without != "mask")
    changed = tokens.copy()
    changed[:, 8] = (changed[:, 8] + 1) % 10
    moved = abs(net(changed).value - scores).max((0, 2)) > 1e-9
    assert moved.tolist() == [without == "mask"] * 3 + [True] * 3


def test_lists_are_as_good_as_arrays_and_unknown_parts_are_refused(nb):
    net, lists = nb.Sorter(), [[4, 1, 3, 9, 9, 1]]
    assert (nb.write(net, lists) == nb.write(net, np.array(lists))).all()
    np.testing.assert_array_equal(net(lists).value, net(np.array(lists)).value)
    for part in ("resid", "Norm", None, "norm mask"):
        with pytest.raises(ValueError, match="without is one of nothing, place, mask, residual, norm; got"):
            nb.Sorter(1, part)
    np.testing.assert_array_equal(nb.Sorter(without="nothing")(lists).value, net(lists).value)


def test_parts_rounds_and_seeds(nb):
    net = nb.Sorter()
    assert [p.name for p in net.parameters()] == "digit place query key value out up down read".split()
    assert sum(p.value.size for p in net.parameters()) == 10 * 32 + 11 * 32 + 4 * 32**2 + 2 * 32 * 128 + 320 == 13_280
    assert {p.role for p in net.parameters()} == {"weight"}
    every = np.concatenate([p.value.ravel() for p in net.parameters()])
    assert abs(every.std() - 0.08) < 0.002 and abs(every.mean()) < 0.003
    assert not (nb.Sorter(seed=1).digit.value == net.digit.value).any()
    tokens, _ = nb.sorting_task(5)
    outs = [nb.Sorter(*args)(tokens).value for args in ((1, ""), (2, ""), *[(1, part) for part in PARTS[1:]])]
    assert all(abs(a - b).max() > 1e-3 for a, b in itertools.combinations(outs, 2))
    assert outs[0].shape == (5, 6, 10)


def test_equal_to_pytorch(nb):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    net = nb.Sorter(seed=8)
    tokens, answers = nb.sorting_task(32, seed=9)
    (ours := nb.cross_entropy(net(tokens), answers)).backward()
    theirs = [torch.tensor(p.value, requires_grad=True) for p in net.parameters()]
    digit, place, query, key, value, out, up, down, read_out = theirs
    x = digit[torch.tensor(tokens)] + place
    h = functional.rms_norm(x, (32,), eps=1e-5)
    x = x + functional.scaled_dot_product_attention(h @ query, h @ key, h @ value, is_causal=True) @ out
    x = x + torch.relu(functional.rms_norm(x, (32,), eps=1e-5) @ up) @ down
    scores = functional.rms_norm(x[:, 5:], (32,), eps=1e-5) @ read_out
    loss = functional.cross_entropy(scores.reshape(-1, 10), torch.tensor(answers).reshape(-1))
    loss.backward()
    assert abs(ours.value - loss.item()) < 1e-12
    for p, t in zip(net.parameters(), theirs):
        np.testing.assert_allclose(p.grad, t.grad.numpy(), rtol=1e-9, atol=1e-13, err_msg=p.name)


# ---------------------------------------------------------------- the task
def test_the_task(nb):
    for held_out in (False, True):
        tokens, answers = nb.sorting_task(3000, held_out, seed=1)
        assert tokens.shape == (3000, 11) and answers.shape == (3000, 6)
        assert tokens.min() == 0 and tokens.max() == 9
        for row, answer in zip(tokens.tolist(), answers.tolist()):
            assert answer == sorted(row[:6]) and row[6:] == answer[:5] and (sum(answer) % 7 == 0) == held_out
        again = nb.sorting_task(3000, held_out, seed=1)
        assert (nb.sorting_task(3000, seed=1)[1] == answers).all() == (not held_out)
        assert (again[0] == tokens).all() and (nb.sorting_task(3000, held_out)[0] != tokens).any()
    for n, seed in itertools.product((1, 2, 7), range(20)):
        assert len(nb.sorting_task(n, True, seed)[0]) == n


def test_what_is_written_goes_back_in(nb):
    """A stand-in for a model: it says the sum, modulo 10, of all that it is shown."""
    seen = []

    def model(tokens):
        seen.append(tokens.copy())
        scores = np.zeros((len(tokens), tokens.shape[1] - 5, 10))
        for k in range(tokens.shape[1] - 5):
            scores[range(len(tokens)), k, tokens[:, :6 + k].sum(1) % 10] = 1
        return nb.Tensor(scores)
    lists = np.array([[1, 2, 3, 4, 5, 6], [0, 0, 0, 0, 0, 1]])
    written = nb.write(model, lists)
    expected = [row[:] for row in lists.tolist()]
    for row in expected:
        for _ in range(6):
            row.append(sum(row) % 10)
    assert written.tolist() == [row[6:] for row in expected] and [s.shape[1] for s in seen] == [6, 7, 8, 9, 10, 11]
    assert lists.shape == (2, 6)


@pytest.mark.slow
def test_it_learns_to_sort_from_another_start_too(nb):
    tokens, answers = nb.sorting_task(64_000, seed=3)
    unseen, expected = nb.sorting_task(1000, True, seed=4)
    net = nb.Sorter(seed=1)
    nb.Training(net, tokens, answers, nb.cross_entropy, nb.SGD(net.parameters(), momentum=0.9), steps=1000, batch=64,
                rate=lambda k: 0.1 * (1 - k / 1000)).train(live=False)
    assert (nb.write(net, unseen[:, :6]) == expected).all(1).mean() >= 0.995


# ---------------------------------------------------------------- the pictures
class Looker:
    """A stand-in for a Sorter: it writes the sorted list but for one slip, and looks where it is told."""

    def __init__(self, nb, slip=None):
        self.nb, self.slip = nb, slip

    def __call__(self, tokens):
        n, t = tokens.shape
        right = np.sort(tokens[:, :6])
        scores = np.zeros((n, t - 5, 10))
        for i, k in itertools.product(range(n), range(t - 5)):
            scores[i, k, (right[i, k] + 1) % 10 if (i, k) == self.slip else right[i, k]] = 1
        self.shares = np.zeros((n, t, t))
        for i, k in itertools.product(range(n), range(t)):
            if k >= 5:  # three quarters on the digit that it copies, a quarter on the last token
                self.shares[i, k, np.argsort(tokens[i, :6], kind="stable")[k - 5]] += 0.75
            self.shares[i, k, k] += 0.25 if k >= 5 else 1
        return self.nb.Tensor(scores)


def told(picture):
    return html.unescape(picture.alt)


def test_the_picture_of_looks_says_what_it_shows(nb):
    lists = np.array([[3, 1, 4, 1, 5, 9], [9, 8, 7, 6, 5, 4], [0, 2, 2, 2, 7, 1]])
    text = told(nb.plot_looks(Looker(nb, slip=(1, 2)), lists, [0, 1]))
    assert "looks at the digit of rank k with 75%, 75%, 75%, 75%, 75%, 75%" not in text  # the first token is its own
    ranked = [0.75 + 0.25 * np.mean([np.argsort(row, kind="stable")[0] == 5 for row in lists]), *[0.75] * 5]
    assert ", ".join(f"{r:.0%}" for r in ranked) in text
    assert "3 1 4 1 5 9 is written as 1 1 3 4 5 9, right" in text and "9 8 7 6 5 4 is written as 4 5 7 7 8 9, wrong" in text
    assert "is written" not in told(nb.plot_looks(Looker(nb), lists))


def test_the_tables_of_looks_hold_the_shares(nb, monkeypatch):
    lists, drawn = np.array([[5, 5, 1, 0, 2, 3]]), []
    monkeypatch.setattr(nb, "_draw_shares", lambda ax, *what: drawn.append(what))
    nb.plot_looks(Looker(nb, slip=(0, 1)), lists, [0])
    (mean, _, names, diagonal), (one, rows, columns, marked) = drawn
    assert names == ["1.", "2.", "3.", "4.", "5.", "6.", "own"] and (diagonal == np.eye(6, 7)).all()
    assert mean.shape == (6, 7) and np.diag(mean) == pytest.approx([0.75] * 6)
    assert mean[1:, 6] == pytest.approx([0.25] * 5) and mean[0, 5 - 1 + 0] == pytest.approx(0)
    assert mean[0].sum() == pytest.approx(1) and mean[0, 3] == pytest.approx(0.25)  # the 3, last of the list, has rank 4
    assert rows == ["0", "2, not 1", "2", "3", "5", "5"]
    assert list(columns) == [5, 5, 1, 0, 2, 3, 0, 2, 2, 3, 5] and one.shape == (6, 11)
    assert marked.astype(int).tolist()[0] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert marked.astype(int).tolist()[5] == [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("lists", [[3, 1, 4, 1, 5, 9], [[1, 2, 3]], [[1, 2, 3, 4, 5, 10]], [[1, 2, 3, 4, 5, -1]], [], "314159",
                                   [[1, 2, 3, 4, 5, 0.5]], [["1", "2", "3", "4", "5", "6"]], [[1, 2], [3]], None])
def test_lists_that_are_none_are_refused(nb, lists):
    with pytest.raises(ValueError, match="six digits, 0 to 9, in each row"):
        nb.plot_looks(nb.Sorter(), lists)


@pytest.mark.parametrize("kind", [list, np.array, np.uint8, np.float64])
def test_a_list_of_the_readers_own(nb, kind):
    text = told(nb.plot_looks(Looker(nb), kind([[3, 1, 4, 1, 5, 9]]), [0]))
    assert "3 1 4 1 5 9 is written as 1 1 3 4 5 9, right" in text


def small_training(nb, **extra):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 3)), rng.integers(0, 2, 50)
    net = nb.dense([3, 4, 2], np.random.default_rng(1))
    return nb.Training(net, x, y, nb.cross_entropy, nb.SGD(net.parameters(), 0.1), **{"steps": 12, "batch": 20} | extra)


def test_curves_are_drawn_after_the_trainings_ran(nb, monkeypatch):
    monkeypatch.setattr(nb._Progress, "draw", lambda self, end=False: None)
    one, two = small_training(nb), small_training(nb, steps=7)
    text = told(nb.plot_curves({"left": {"a": one}, "right": {"b": two}}, lambda net: 0.125))
    assert (len(one.history), len(two.history)) == (12, 7)
    assert text == (f"Loss curves, falling. a: 12.5%, last loss {one.history[-1][0]:.3f}; "
                    f"b: 12.5%, last loss {two.history[-1][0]:.3f}.")


def test_every_curve_is_drawn_in_a_style_of_its_name(nb, monkeypatch):
    monkeypatch.setattr(nb._Progress, "draw", lambda self, end=False: None)
    drawn = []
    monkeypatch.setattr(nb, "_draw_curve", lambda ax, run, name, *style: drawn.append((run, name, style)))
    monkeypatch.setattr(nb.plt.Axes, "legend", lambda *a, **k: None)
    runs = [small_training(nb, steps=1) for _ in range(9)]
    names = "abcdefabx"
    nb.plot_curves({"left": dict(zip(names[:6], runs)), "right": dict(zip(names[6:], runs[6:]))})
    assert [(run, name) for run, name, _ in drawn] == [*zip(runs, names)]
    styles = [style for *_, style in drawn]
    assert len(set(styles[:5])) == 5 and styles[6:8] == styles[:2]


def test_a_training_without_a_step_is_no_curve(nb, monkeypatch, capsys):
    bars = []
    monkeypatch.setattr(nb._Progress, "draw", lambda self, end=False: bars.append((self.done, self.total)))
    none, done = small_training(nb, steps=0), small_training(nb, steps=3)
    done.train(live=False)
    more = small_training(nb, steps=5)
    more.steps = 2
    more.train(live=False)
    more.steps = 5
    assert "none, last loss nan" in told(nb.plot_curves({"": {"none": none, "done": done, "more": more}}))
    assert bars[-1] == (3, 3)


def test_a_curve_is_the_mean_of_the_last_steps(nb):
    run, lines = small_training(nb, batch=17, steps=60), []
    assert run.epoch == 3
    losses = np.random.default_rng(1).uniform(1, 9, 60).tolist()
    run.validation, run.validated = (run.points, run.labels), [nb._Validated(3, 0.5, 0.9), nb._Validated(6, 0.25, 0.9)]

    class Axes:
        def plot(self, x, y, **how): lines.append((list(x), list(y), how.get("label")))
        def set(self, **how): assert (how["yscale"], how["ylabel"]) == ("log", wanted)
        class yaxis: set_minor_formatter = staticmethod(lambda _: None)
    for count, wanted, mean in ((60, "loss, mean of 3 steps", 3), (20, "loss", 1), (0, "loss", 1)):
        run.history = [(loss, 0.5) for loss in losses[:count]]
        lines.clear()
        nb._draw_curve(Axes(), run, "", "k", "-")
        curve = [sum(losses[k - mean:k]) / mean for k in range(mean, count + 1)]
        assert lines == [([*range(mean, count + 1)], pytest.approx(curve), "training"), ([3, 6], [0.5, 0.25], "validation")]


def test_speedup_is_a_power_of_ten(nb, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(nb._time, "perf_counter", lambda: clock[0])

    def takes(seconds):
        def work():
            clock[0] += seconds
        return work
    for slow, fast, said in ((1, 1, 1), (2.0, 1, 1), (4, 1, 10), (31, 1, 10), (33, 1, 100), (300, 1, 100), (1, 50, 0.01)):
        assert nb.speedup(takes(slow), takes(fast)) == said


# ---------------------------------------------------------------- Training on arrays
def test_a_training_of_arrays_goes_on_where_it_was_stopped(nb, capsys):
    whole, halted = (small_training(nb, validation=(np.ones((2, 3)), np.array([0, 1]))) for _ in range(2))
    whole.train(live=False)

    def stop(run):
        if len(run.history) == 7:
            raise KeyboardInterrupt
    halted.train(live=False, watch=stop)
    assert "7 of 12 steps" in capsys.readouterr().out
    halted.train(live=False)
    assert whole.history == halted.history and whole.validated == halted.validated
    for p, q in zip(whole.parameters, halted.parameters):
        assert (p.value == q.value).all()


def test_an_interrupt_while_validating_loses_nothing(nb, capsys):
    held = np.ones((2, 3)), np.array([0, 1])
    whole, halted = small_training(nb, validation=held), small_training(nb, validation=held)
    whole.train(live=False)
    validate = halted.validate

    def interrupted():
        if len(halted.validated) == 1 and not asked:
            asked.append(True)
            raise KeyboardInterrupt
        return validate()
    asked, halted.validate = [], interrupted
    halted.train(live=False)
    assert "5 of 12 steps" in capsys.readouterr().out and [row.step for row in halted.validated] == [3]
    halted.train(live=False)
    assert whole.history == halted.history and whole.validated == halted.validated
    assert [row.step for row in whole.validated] == [3, 6, 9, 12]


@pytest.mark.parametrize("compiled", [False, True])
def test_batches_of_numbers_are_those_of_arrays(nb, compiled):
    points, labels = nb.moons(seed=2, n=30)
    small = nb.MLP(2, [5, 1], rng=random.Random(3))
    large = nb.as_arrays(small)
    check = nb.moons(seed=4, n=10)
    runs = [nb.Training(net, data, labels, nb.hinge_loss, nb.SGD(net.parameters(), 0.3, 0.5), steps=9, batch=12, seed=5,
                        strength=1e-3, validation=held, **extra)
            for net, data, held, extra in ((small, points, check, {"compiled": compiled}),
                                           (large, np.array(points), (np.array(check[0]), check[1]), {}))]
    for run in runs:
        run.train(live=False)
    np.testing.assert_allclose(runs[0].history, runs[1].history, rtol=1e-9)
    assert [row[0] for row in runs[0].validated] == [3, 6, 9]
    np.testing.assert_allclose(runs[0].validated, runs[1].validated, rtol=1e-9)
    weights = [n.parameters() for layer in small.layers for n in layer.neurons]
    np.testing.assert_allclose(sum(p.value for row in weights for p in row),
                               sum(p.value.sum() for p in large.parameters()), rtol=1e-9)


@pytest.mark.parametrize("changed, words", [
    ({"batch": 0}, "a number of points, 1 or more; got 0"), ({"batch": -3}, "got -3"), ({"batch": 2.5}, "got 2.5"),
    ({"batch": "20"}, "got '20'"), ({"batch": math.inf}, "got inf"), ({"batch": math.nan}, "got nan"),
    ({"compiled": True}, "graphs of numbers"), ({"validation": (np.ones((3, 3)), [0, 1])}, "3 points but 2 labels"),
    ({"validation": (np.ones((2, 3)), [0, 5])}, "labels are 0, 1 here"),
    ({"validation": (np.ones((9, 3)), [0, 1, 0, 0, 0, 0, 0, 0, 7])}, "labels are 0, 1 here"),
    ({"validation": (np.ones((0, 3)), [])}, "a check needs a point or more; got 0")])
def test_what_a_training_of_arrays_refuses(nb, changed, words):
    with pytest.raises(ValueError, match=words):
        small_training(nb, **changed)


@pytest.mark.parametrize("x, y, words", [
    (np.ones((3, 3)), [0, 1], "3 points but 2 labels"), (np.ones((1, 3)), [0], "two points or more"),
    (np.ones((3, 3)), [1, 1, 1], "all labels are 1"), ([[1, 2, 3], [1, math.inf, 3], [0, 0, 0]], [0, 1, 0], "point 1 is"),
    (np.array([[1, 2, 3], [1, 2, 3], [0, 0, math.nan]]), [0, 1, 0], "point 2 is"), ([[1, 2, 3], [1, 2]], [0, 1], "point 1 has 2"),
    (np.ones((5, 3)), [0, 1, 1, 1, 2], "labels are 0, 1 here")])
def test_arrays_that_cannot_be_learned_from_are_refused(nb, x, y, words):
    net = nb.dense([3, 2], np.random.default_rng(0))
    with pytest.raises(ValueError, match=words):
        nb.Training(net, x, y, nb.cross_entropy)


def test_a_validation_set_may_be_one_point_and_know_classes_that_training_does_not(nb):
    run = small_training(nb, validation=(np.ones((1, 3)), [1]))
    run.train(live=False)
    assert len(run.validated) == 4
    points = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    for compiled in (True, False):
        run = nb.Training(nb.MLP(2, [3, 3], rng=random.Random(1)), points, [0, 1, 0], nb.cross_entropy, steps=2,
                          validation=(points, [0, 1, 2]), compiled=compiled)
        run.train(live=False)
        assert len(run.validated) == 2 and 0 < run.validated[0].loss < 10


def test_labels_that_are_no_classes_are_refused_for_every_loss(nb):
    net = nb.dense([3, 4, 1], np.random.default_rng(0))
    for loss in (nb.squared_loss, nb.hinge_loss, nb.cross_entropy):
        with pytest.raises(ValueError, match="labels are -1, 1 here; got 0, 1"):
            nb.Training(net, np.ones((4, 3)), [0, 1, 1, 0], loss)


def test_a_batch_as_large_as_the_data_or_larger_is_all_of_it(nb):
    runs = [small_training(nb, batch=batch) for batch in (None, 50, 1000, 50.0)]
    for run in runs:
        run.train(live=False)
    assert all(run.history == runs[0].history for run in runs)


def test_three_inputs_are_learned_live_as_a_curve(nb, monkeypatch):
    shown = []
    monkeypatch.setattr(nb, "display", lambda what, **_: (shown.append(what), type("", (), {"update": lambda *a, **k: None})())[1])
    net = nb.MLP(3, [2, 1], rng=random.Random(1))
    nb.Training(net, [(1, 2, 3), (3, 2, 1)], [1, -1], steps=2).train()
    assert any(getattr(what, "alt", "").startswith("The curve of the losses") for what in shown)


def test_a_training_of_arrays_has_no_penalty_unless_asked(nb):
    assert small_training(nb).strength == 0
    run = small_training(nb, strength=0.5, batch=None, steps=1)
    before = sum((p.value**2).sum() for p in run.parameters)
    plain = nb.cross_entropy(run.model(run.points), run.labels).value
    run.train(live=False)
    assert run.history[0][0] == pytest.approx(plain + 0.5 * before, rel=1e-12)


def test_a_rate_too_high_is_told(nb, capsys):
    rng = np.random.default_rng(0)
    net = nb.dense([3, 4, 1], rng)
    run = nb.Training(net, rng.normal(size=(20, 3)), rng.choice([-1, 1], 20), nb.squared_loss,
                      nb.SGD(net.parameters(), 1e6), steps=200)
    with np.errstate(all="ignore"):
        run.train(live=False)
    assert "the rate is too high" in capsys.readouterr().out and np.isfinite(net.parameters()[0].value).all()


@pytest.mark.parametrize("held", [None, (np.ones((2, 3)), np.array([0, 1]))])
def test_a_live_picture_of_arrays_is_a_curve(nb, monkeypatch, held):
    shown = []

    class Handle:
        def update(self, what, **_): shown.append(what)
    monkeypatch.setattr(nb, "display", lambda what, **_: (shown.append(what), Handle())[1])
    run = small_training(nb, validation=held)
    run.train()
    last = [what for what in shown if hasattr(what, "alt")][-1]
    assert last.alt.startswith("The curve of the losses; step 12, its batch: loss") and ("validation" in last.alt) == (held is not None)


# ---------------------------------------------------------------- what the page says
def text_of(cell_id):
    return source(next(cell for cell in read()["cells"] if cell["id"] == cell_id))


def shown(cell_id):
    cell = next(cell for cell in read()["cells"] if cell["id"] == cell_id)
    return "".join("".join(out.get("text", out.get("data", {}).get("text/plain", ""))) for out in cell["outputs"])


def test_the_table_of_sizes_is_that_of_this_network(nb):
    table = {row[0].strip(): row[1].strip() for row in re.findall(r"(?m)^\| ([^|]*) \| ([^|]*) \|", text_of("look-gpt"))}
    net, (tokens, _) = nb.Sorter(), nb.sorting_task(1)
    assert table["weights"] == f"{sum(p.value.size for p in net.parameters()):,}" == "13,280"
    assert table["width"] == str(net.digit.shape[1]) and table["places it can see"] == str(tokens.shape[1])
    assert table["tokens to choose from"].startswith(str(len(net.digit.value)))
    assert "sorting_task(64_000)" in text_of("look-train") and table["learned from"].startswith("64,000 lists")
    assert "13,280 weights" in shown("look-check")


def test_what_the_page_says_of_the_runs_is_what_they_show(nb):
    share = re.search(r"(\d[\d.]*)% of 2,000 held-out lists", shown("look-train"))
    assert float(share[1]) >= 99.5
    rows = [(name, float(right), float(loss)) for name, right, loss in
            re.findall(r"(\w+): ([\d.]+)%, last loss (\d+\.\d+)", shown("look-without"))]
    one, three = ({name: row for name, *row in part} for part in (rows[:4], rows[4:]))
    assert list(one) == ["nothing", "place", "mask", "residual"]
    assert list(three) == ["nothing", "norm", "residual"]
    assert min(rows, key=lambda row: row[2])[0] == "mask" and one["mask"][0] < 1
    assert three["residual"][1] > 2.2 and three["residual"][0] < 1
    assert one["residual"][0] > one["nothing"][0] / 2 > one["place"][0]
    assert three["nothing"][0] > three["norm"][0] > 1
    looks = [int(n) for n in re.findall(r"(\d+)%", shown("look-looks"))[:6]]
    assert min(looks[0], looks[5]) > 1.5 * max(looks[1:5])  # "at the ends it looks at what it writes"
    assert "wrong" in shown("look-looks")


def test_the_example_by_hand(nb):
    """The example by hand: 2 · 1 + 1 · 0 over the root of 2, and so on."""
    scores = [2 / math.sqrt(2), 1 / math.sqrt(2), 3 / math.sqrt(2)]
    mix = sum(s * v for s, v in zip(soft(scores), (10, 20, 30)))
    assert shown("look-hand").split() == ["scores", *[f"{s:.3f}" for s in scores], "shares", *[f"{s:.3f}" for s in soft(scores)],
                                          "mix", f"{mix:.2f}"]
