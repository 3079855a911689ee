"""Trains and exports small networks of torch whose inputs or outputs are arrays, one folder per case.

    ~/.cache/slipway-exports/bin/python make_array_exports.py

Environment as in make_exports.py, and torch and Pillow. The data is data.jsonl, or data.csv where single columns fill the tensor;
case.json has the predictions of torch. All data is made here, with a seed.
"""

import base64
import contextlib
import io
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from PIL import Image
from torch import nn

from write_export import write_export

HERE = Path(__file__).parent
CHECKED_ROWS = 12
torch.manual_seed(3)
random = np.random.default_rng(3)
KINDS = {
    "torch-image-tensor": "convolution; images as arrays [N, 3, 8, 8]",
    "torch-image-files": "convolution; images as JPEG and PNG files",
    "torch-image-uint8": "convolution; images as bytes [N, 6, 6, 3]",
    "torch-window-columns": "LSTM; windows [N, 12, 2] from a table's columns",
    "torch-two-heads": "two heads: a label each",
    "torch-vectors": "encoder of windows: an embedding",
    "torch-float16-tensors": "segmentation in float16: scores and a mask",
}


def save(case, model, example, inputs, outputs, targets, task, rows, predictions, options=None, as_csv=False):
    folder = HERE / case
    folder.mkdir(exist_ok=True)
    model.eval()
    path = folder / "model.onnx"
    export = write_export(inputs, outputs, {name: {0: "N"} for name in [*inputs, *outputs]})
    with contextlib.chdir(folder):
        exec(export, {"torch": torch, "model": model, "example": example})
    graph = onnx.load(path)
    graph.graph.name = case
    path.write_bytes(graph.SerializeToString(deterministic=True))
    if as_csv:
        names = list(rows[0])
        lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]
        (folder / "data.csv").write_text("\n".join(lines) + "\n")
    else:
        (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    description = {
        "target": targets, "exported": "torch.onnx.export", "library": "PyTorch", "kind": KINDS[case], "export": export, "data": "made", "task": task, "options": options or {},
        "predictions": predictions[:CHECKED_ROWS],
    }
    (folder / "case.json").write_text(json.dumps(description, indent=1) + "\n")


def train(model, inputs, loss, steps=150):
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model(*inputs)).backward()
        optimizer.step()
    model.eval()


def rounded(array, digits=4):
    return np.round(np.asarray(array, dtype=np.float64), digits).tolist()


def scored(labels, probabilities):
    return [
        {"label": labels[int(np.argmax(row))], "scores": dict(zip(labels, map(float, row)))} for row in probabilities
    ]


ANIMALS = ["cat", "dog", "fox"]


class Convolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3))

    def forward(self, image):
        return torch.softmax(self.layers(image), 1)


def make_pictures(count, size):
    """Each animal has a colour of its own, with noise."""
    truth = np.arange(count) % 3
    pixels = random.integers(0, 90, (count, size, size, 3))
    for row, animal in enumerate(truth):
        pixels[row, ..., animal] += 120
    return truth, pixels.astype(np.uint8)


def image_tensor():
    truth, pixels = make_pictures(45, 8)
    images = np.round(pixels.astype(np.float32) / 255, 3).transpose(0, 3, 1, 2).astype(np.float32)
    model = Convolution()
    target = torch.tensor(truth)
    train(model, (torch.tensor(images),), lambda out: nn.functional.nll_loss(torch.log(out), target))
    with torch.no_grad():
        answers = model(torch.tensor(images)).numpy()
    rows = [{"image": rounded(image, 3), "animal": ANIMALS[t]} for image, t in zip(images, truth)]
    save("torch-image-tensor", model, (torch.tensor(images[:2]),), ["image"], ["probabilities"], ["animal"],
         "classification", rows, scored(ANIMALS, answers))


def image_files():
    """JPEG and PNG as base64; torchvision's ToTensor in numpy."""
    truth, pixels = make_pictures(45, 12)
    texts, arrays = [], []
    for row, picture in enumerate(pixels):
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, *(("JPEG",) if row % 2 else ("PNG",)))
        texts.append(base64.b64encode(buffer.getvalue()).decode())
        arrays.append(np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGB"), dtype=np.float32) / np.float32(255))
    images = np.stack(arrays).transpose(0, 3, 1, 2)
    model = Convolution()
    target = torch.tensor(truth)
    train(model, (torch.tensor(images),), lambda out: nn.functional.nll_loss(torch.log(out), target))
    with torch.no_grad():
        answers = model(torch.tensor(images)).numpy()
    rows = [{"photo": text, "animal": ANIMALS[t]} for text, t in zip(texts, truth)]
    save("torch-image-files", model, (torch.tensor(images[:2]),), ["photo"], ["probabilities"], ["animal"],
         "classification", rows, scored(ANIMALS, answers))


class Bytes(nn.Module):
    """Normalizes inside the graph, as models for phones do."""

    def __init__(self):
        super().__init__()
        self.inner = Convolution()

    def forward(self, image):
        return self.inner(image.permute(0, 3, 1, 2).float() / 255)


def image_bytes():
    truth, pixels = make_pictures(45, 6)
    model = Bytes()
    target = torch.tensor(truth)
    train(model, (torch.tensor(pixels),), lambda out: nn.functional.nll_loss(torch.log(out), target))
    with torch.no_grad():
        answers = model(torch.tensor(pixels)).numpy()
    rows = [{"image": picture.tolist(), "animal": ANIMALS[t]} for picture, t in zip(pixels, truth)]
    save("torch-image-uint8", model, (torch.tensor(pixels[:2]),), ["image"], ["probabilities"], ["animal"],
         "classification", rows, scored(ANIMALS, answers))


class Window(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 5, batch_first=True)
        self.last = nn.Linear(5, 1)

    def forward(self, window):
        return self.last(self.lstm(window)[0][:, -1])


def window_columns():
    """The columns of a CSV fill [N, 12, 2]: t0_a, t0_b, t1_a, …"""
    windows = np.round(random.normal(size=(50, 12, 2)), 3).astype(np.float32)
    target = torch.tensor(windows[:, :, 0].mean(1, keepdims=True) * 2 + windows[:, -1:, 1])
    model = Window()
    train(model, (torch.tensor(windows),), lambda out: nn.functional.mse_loss(out, target), 250)
    with torch.no_grad():
        answers = model(torch.tensor(windows)).numpy()
    rows = [
        {**{f"t{t}_{name}": round(float(window[t, f]), 3) for t in range(12) for f, name in enumerate("ab")},
         "next": round(float(value), 4)}
        for window, value in zip(windows, target[:, 0])
    ]
    save("torch-window-columns", model, (torch.tensor(windows[:2]),), ["window"], ["next"], ["next"], "regression", rows,
         [{"scores": {"next": float(value)}} for value in answers[:, 0]], as_csv=True)


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.color = nn.Linear(2, 3)
        self.size = nn.Linear(2, 2)

    def forward(self, x):
        return torch.softmax(self.color(x), 1), self.size(x)


def two_heads():
    colors, sizes = ["blue", "green", "red"], ["L", "S"]
    x = np.round(random.normal(size=(60, 2)), 3).astype(np.float32)
    color = np.digitize(x[:, 0], [-0.5, 0.5])
    size = (x[:, 1] > 0).astype(np.int64)
    model = Heads()
    train(model, (torch.tensor(x),), lambda out: nn.functional.nll_loss(torch.log(out[0]), torch.tensor(color))
          + nn.functional.cross_entropy(out[1], torch.tensor(size)))
    with torch.no_grad():
        first, second = model(torch.tensor(x))
        second = torch.softmax(second, 1)
    rows = [{"a": round(float(a), 3), "b": round(float(b), 3), "color": colors[c], "size": sizes[s]}
            for (a, b), c, s in zip(x, color, size)]
    heads = zip(scored(colors, first.numpy()), scored(sizes, second.numpy()))
    save("torch-two-heads", model, (torch.tensor(x[:2]),), ["x"], ["color", "size"], ["color", "size"], "multioutput", rows,
         [{"heads": {"color": one, "size": other}, "scores": {}} for one, other in heads], as_csv=True)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool1d(2), nn.Flatten())

    def forward(self, window):
        return nn.functional.normalize(self.layers(window.transpose(1, 2)), dim=1)


def embedding():
    windows = np.round(random.normal(size=(25, 12, 2)), 3).astype(np.float32)
    model = Encoder()
    with torch.no_grad():
        answers = model(torch.tensor(windows)).numpy()
    save("torch-vectors", model, (torch.tensor(windows[:2]),), ["window"], ["vector"], [], "embedding",
         [{"window": rounded(window, 3)} for window in windows],
         [{"scores": {}, "tensors": {"embedding": [float(value) for value in row]}} for row in answers],
         options={"task": "embedding"})


class Halves(nn.Module):
    """A segmentation in half precision: a mask of classes and the scores behind it."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(1, 3, 1)

    def forward(self, image):
        scores = self.layer(image)
        return scores, scores.float().argmax(1)


def half_tensors():
    images = np.round(random.normal(size=(22, 1, 4, 5)), 2).astype(np.float16)
    model = Halves().half()
    with torch.no_grad():
        scores, mask = model(torch.tensor(images))
    save("torch-float16-tensors", model, (torch.tensor(images[:2]),), ["image"], ["scores", "mask"], [], "tensors",
         [{"image": image.astype(np.float64).tolist()} for image in images],
         [{"scores": {}, "tensors": {"scores": s.astype(np.float64).tolist(), "mask": m.tolist()}}
          for s, m in zip(scores.numpy(), mask.numpy())])


for make in [image_tensor, image_files, image_bytes, window_columns, two_heads, embedding, half_tensors]:
    make()
