"""How fast are arrays? Prints ratios, all measured in this one run.

    python tests/benchmark_arrays.py

First the moons step of `benchmark.py`, in numbers and in arrays. Then, where PyTorch is
installed (it is not required), from the same weights in both: the digits network
64-64-32-10 with batches of 32, 30 epochs, momentum, float64; and training steps of the
transformer that sorts, 64 lists each, momentum, float32. One thread, CPU seconds, the
best of many rounds taken in turn.
"""
import random
import time

import numpy as np
from cells import load
from threadpoolctl import threadpool_limits


def best_of(rounds, *makers):
    """Return the least CPU seconds of each maker's function, called in turn."""
    best = [float("inf")] * len(makers)
    for _ in range(rounds):
        for k, make in enumerate(makers):
            run = make()
            began = time.process_time()
            run()
            best[k] = min(best[k], time.process_time() - began)
    return best


def moons_steps(nb):
    """Return makers of 20 training steps on 100 moons: in Nodes, in Tensors."""
    points, labels = nb.moons(seed=1)

    def nodes():
        model = nb.MLP(2, [16, 16, 1], rng=random.Random(1))
        optimizer = nb.SGD(model.parameters(), 0.05)

        def run():
            for _ in range(20):
                nb.hinge_loss([model(p) for p in points], labels).backward()
                optimizer.step()
        return run

    arrays = np.array(points), np.array(labels)

    def tensors():
        model = nb.as_arrays(nb.MLP(2, [16, 16, 1], rng=random.Random(1)))
        optimizer = nb.SGD(model.parameters(), 0.05)

        def run():
            for _ in range(20):
                nb.hinge_loss(model(arrays[0]), arrays[1]).backward()
                optimizer.step()
        return run
    return nodes, tensors


def digit_runs(nb, torch):
    """Return makers of 30 epochs on the digits: ours, PyTorch's."""
    (images, truth), *_ = nb.digit_images()
    order = np.random.default_rng(0)
    batches = [order.permutation(len(images))[k:k + 32] for _ in range(30) for k in range(0, len(images), 32)]

    def ours():
        model = nb.dense([64, 64, 32, 10], np.random.default_rng(1))
        optimizer = nb.SGD(model.parameters(), 0.1, 0.9)

        def run():
            for pick in batches:
                nb.cross_entropy(model(images[pick]), truth[pick]).backward()
                optimizer.step()
        return run

    def theirs():
        weights = [torch.tensor(p.value, requires_grad=True)
                   for p in nb.dense([64, 64, 32, 10], np.random.default_rng(1)).parameters()]
        optimizer = torch.optim.SGD(weights, 0.1, 0.9)
        x_all, y_all = torch.tensor(images), torch.tensor(truth)

        def run():
            for pick in map(torch.from_numpy, batches):
                x = x_all[pick]
                for k in range(0, 6, 2):
                    x = (torch.relu(x) if k else x) @ weights[k] + weights[k + 1]
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(x, y_all[pick]).backward()
                optimizer.step()
        return run
    return ours, theirs


def sorting_runs(nb, torch, steps=20):
    """Return makers of training steps of the transformer of chapter 6: ours, PyTorch's."""
    functional = torch.nn.functional
    tokens, answers = nb.sorting_task(64 * steps)
    batches = [slice(64 * k, 64 * k + 64) for k in range(steps)]

    def made():
        model = nb.Sorter()
        for p in model.parameters():
            p.value = p.value.astype(np.float32)
        return model

    def ours():
        model = made()
        optimizer = nb.SGD(model.parameters(), 0.1, 0.9)

        def run():
            for pick in batches:
                nb.cross_entropy(model(tokens[pick]), answers[pick]).backward()
                optimizer.step()
        return run

    def theirs():
        weights = [torch.tensor(p.value, requires_grad=True) for p in made().parameters()]
        digit, place, query, key, value, out, up, down, read = weights
        optimizer = torch.optim.SGD(weights, 0.1, 0.9)
        x_all, y_all = torch.tensor(tokens), torch.tensor(answers)
        later = torch.full((11, 11), -torch.inf).triu(1)

        def norm(x):
            return functional.rms_norm(x, (32,), eps=1e-5)

        def run():
            for pick in batches:
                x = digit[x_all[pick]] + place
                h = norm(x)
                scores = (h @ query) @ (h @ key).transpose(1, 2) * 32 ** -0.5 + later
                x = x + torch.softmax(scores, -1) @ (h @ value) @ out
                x = x + torch.relu(norm(x) @ up) @ down
                loss = functional.cross_entropy((norm(x[:, 5:]) @ read).reshape(-1, 10), y_all[pick].reshape(-1))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return run
    return ours, theirs


def main():
    threadpool_limits(1)  # of NumPy; PyTorch's are set below
    nb = load()
    nodes, tensors = best_of(5, *moons_steps(nb))
    print(f"moons step: arrays are {nodes / tensors:.0f} times as fast as numbers")
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: digits and transformer were not compared")
        return
    torch.set_num_threads(1)
    ours, theirs = best_of(5, *digit_runs(nb, torch))
    print(f"digits, 30 epochs: {ours:.2f} s, {ours / theirs:.2f} times PyTorch's time")
    ours, theirs = best_of(20, *sorting_runs(nb, torch))
    print(f"transformer, 20 steps: {1000 * ours:.0f} ms, {ours / theirs:.2f} times PyTorch's time")


if __name__ == "__main__":
    main()
