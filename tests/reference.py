"""Random computations, run twice: on the notebook's Nodes and on an independent reference.

The reference knows nothing of the notebook. It has derivatives of its own, written in
other forms where there are any, and it works forward: for each node in turn a nudge of
exactly 1 is carried up to the result, in fractions, so that no rounding is added.
"""
import math
import os
from fractions import Fraction

UNARY = {
    "neg": (lambda x: -x, lambda x: -1),
    "abs": (abs, lambda x: math.copysign(1, x) if x else 0),
    "exp": (math.exp, math.exp),
    "log": (math.log, lambda x: x ** -1),
    "sqrt": (math.sqrt, lambda x: x ** -0.5 / 2),
    "sin": (math.sin, lambda x: math.sin(x + math.pi / 2)),
    "cos": (math.cos, lambda x: math.cos(x + math.pi / 2)),
    "tanh": (math.tanh, lambda x: math.cosh(min(abs(x), 350)) ** -2),
    "sigmoid": (lambda x: 0.5 + math.tanh(x / 2) / 2, lambda x: 0.25 / math.cosh(min(abs(x), 700) / 2) ** 2),
    "relu": (lambda x: max(x, 0), lambda x: int(x > 0)),
    "floor": (math.floor, lambda x: 0),
}
BINARY = {
    "+": (lambda a, b: a + b, lambda a, b: (1, 1)),
    "-": (lambda a, b: a - b, lambda a, b: (1, -1)),
    "*": (lambda a, b: a * b, lambda a, b: (b, a)),
    "/": (lambda a, b: a / b, lambda a, b: (b ** -1, -a * b ** -2)),
    "//": (lambda a, b: a // b, lambda a, b: (0, 0)),
    "**": (lambda a, b: a ** b,
           lambda a, b: (b * math.exp((b - 1) * math.log(a)), math.exp(b * math.log(a)) * math.log(a))),
}
SAFE = {  # where a random value may enter; elsewhere tanh is taken instead
    "abs": lambda x: abs(x) > 1e-3, "relu": lambda x: abs(x) > 1e-3, "exp": lambda x: abs(x) < 4,
    "sin": lambda x: abs(x) < 9, "cos": lambda x: abs(x) < 9,
    "log": lambda x: x > 0.1, "sqrt": lambda x: x > 0.1,
    "/": lambda a, b: abs(b) > 0.1, "//": lambda a, b: abs(b) > 0.1 and abs(a / b - round(a / b)) > 1e-9,
    "floor": lambda x: abs(x - round(x)) > 1e-9,  # at a jump the last digit decides
    "**": lambda a, b: 0.1 < a < 20 and abs(b) < 4,
}


def examples(count):
    """Return how many examples a test tries: `count`, or the share of it that mutate.py asks for."""
    return max(3, round(count * float(os.environ.get("MGRADPLUS_EXAMPLES", 1))))


class Tape:
    """The values of a computation, each with (index of operand, derivative) pairs."""

    def __init__(self):
        self.values, self.parts = [], []

    def push(self, value, *parts):
        self.values.append(value)
        self.parts.append(parts)

    def gradients(self, root, seed):
        """Return d(root)/d(node) · seed for every node, and the same with all signs +."""
        both = []
        for sign in (Fraction, lambda d: abs(Fraction(d))):
            out = []
            for k in range(root + 1):
                moved = {k: Fraction(1)}
                for i in range(k + 1, root + 1):
                    moved[i] = sum((sign(d) * moved[j] for j, d in self.parts[i] if j in moved),
                                   Fraction(0))
                out.append(moved[root] * sign(seed))
            both.append(out)
        return both


def compute(nb, leaves, steps):
    """Return (nodes, tape): the same computation on Nodes and on a Tape.

    A step is (operation, i, j, number): operands are counted from the newest value,
    `number` (or None) takes the place of the left operand if j is even, else the right.
    """
    nodes, tape = [nb.Node(x) for x in leaves], Tape()
    for x in leaves:
        tape.push(x)
    for op, i, j, number in steps:
        i, j = -1 - i % len(nodes), -1 - j % len(nodes)
        at = [k % len(nodes) for k in (i, j)]
        a, b = nodes[i], nodes[j]
        x, y = tape.values[at[0]], tape.values[at[1]]
        if op in ("weighted sum", "sum"):
            push_nary(nb, nodes, tape, op, at)
        elif op in BINARY:
            left = number is not None and j % 2 == 0
            right = number is not None and not left
            x, y = (number if left else x), (number if right else y)
            if not SAFE.get(op, lambda *_: True)(x, y) or abs(x) + abs(y) > 1e4:
                push_unary(nodes, tape, "tanh", at[0])
                continue
            value, derive = BINARY[op]
            pair = zip((None if left else at[0], None if right else at[1]), derive(x, y))
            nodes.append(eval(f"p {op} q", {"p": number if left else a, "q": number if right else b}))
            tape.push(value(x, y), *[(k, d) for k, d in pair if k is not None])
        else:
            push_unary(nodes, tape, op if SAFE.get(op, lambda _: True)(x) else "tanh", at[0])
    return nodes, tape


def push_unary(nodes, tape, op, k):
    """Append `op` of value k to both computations."""
    value, derive = UNARY[op]
    node, x = nodes[k], tape.values[k]
    nodes.append(-node if op == "neg" else abs(node) if op == "abs" else getattr(node, op)())
    tape.push(value(x), (k, derive(x)))


def push_nary(nb, nodes, tape, op, at):
    """Append a sum or a weighted sum over the last few values, one of them twice."""
    some = [*range(max(0, len(nodes) - 3), len(nodes)), at[0]]
    if op == "sum":
        nodes.append(nb.total([nodes[k] for k in some]))
        tape.push(sum(tape.values[k] for k in some), *[(k, 1) for k in some])
        return
    other = some[::-1]
    if max(abs(tape.values[k]) for k in some) > 100:
        return push_unary(nodes, tape, "tanh", at[0])
    nodes.append(nb.weighted_sum([nodes[k] for k in some], [nodes[k] for k in other], nodes[at[1]]))
    w, x = [tape.values[k] for k in some], [tape.values[k] for k in other]
    tape.push(sum(p * q for p, q in zip(w, x)) + tape.values[at[1]],
              *zip(some, x), *zip(other, w), (at[1], 1))


def disagreements(nb, leaves, steps, seed=1, backward=None, well_conditioned=True):
    """Return the nodes (index, got, right) whose value or gradient is off by more than 1e-14 + 1e-12·|right|.

    Where terms of opposite sign cancel almost wholly no engine in floats can keep that
    bound; such gradients are held to the same bound on the sum of the terms' sizes, or
    None is returned for the graph if `well_conditioned` is asked for.
    """
    nodes, tape = compute(nb, leaves, steps)
    root = len(nodes) - 1
    (backward or (lambda node: node.backward(seed)))(nodes[root])
    right, size = tape.gradients(root, seed)
    if well_conditioned and any(s > 1000 * abs(r) for r, s in zip(right, size) if s):
        return None
    below = {id(n) for n in nb.graph_of(nodes[root])}
    values = [(k, n.value, v) for k, (n, v) in enumerate(zip(nodes, tape.values))
              if not math.isclose(n.value, v, rel_tol=1e-12, abs_tol=1e-14)]
    return values or [(k, n.grad, float(r)) for k, (n, r, s) in enumerate(zip(nodes, right, size))
            if id(n) in below
            and not abs(Fraction(n.grad) - r) <= Fraction(1e-14) + Fraction(1e-12) * max(abs(r), 0 if well_conditioned else s)]
