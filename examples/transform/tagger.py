"""A tagger of one sentence becomes one of many: `vmap` of an LSTM in both directions, and of its gradient by the words' vectors.

    python tagger.py [FOLDER]        needs torch, onnx and onnxruntime, and innerloop (npm install innerloop)
"""

import torch
from torch import nn
from torch.func import functional_call, vjp, vmap
from transforming import compare, export, transform

WORDS, TAGS = 12, 5


class Tagger(nn.Module):
    """The scores of tags for each word of a sentence `[words, 16]`."""

    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(16, 10, bidirectional=True), nn.Linear(20, TAGS)

    def forward(self, sentence):
        return self.head(self.lstm(sentence[:, None])[0])[:, 0]


def cell(x, h, c, w, u, b):
    """What nn.LSTM computes for a word, in operations that torch.func can map."""
    i, f, g, o = (w @ x + u @ h + b).chunk(4)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def tags(sentence):
    both = []
    for suffix, words in (("", sentence), ("_reverse", sentence.flip(0))):
        w, u, b, c = (getattr(model.lstm, f"{name}_l0{suffix}").detach() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        h, state, states = torch.zeros(10).double(), torch.zeros(10).double(), []
        for word in words.unbind(0):
            h, state = cell(word, h, state, w, u, b + c)
            states.append(h)
        both.append(torch.stack(states))
    return functional_call(model.head, dict(model.head.named_parameters()), torch.cat([both[0], both[1].flip(0)], 1))


torch.manual_seed(4)
model, sentences = Tagger().double(), torch.randn(3, WORDS, 16, dtype=torch.float64)
export("tagger", model, {"sentence": sentences[0]}, ["tags"], sentence=["words"])

many = transform("tagger", "vmap", "--axis", "sentence=0", out="taggers")
compare("tags of three sentences", many(sentence=sentences)["tags"], vmap(tags)(sentences).detach())

transform("tagger", "vjp", "--of", "tags", "--wrt", "sentence", out="tagger-vjp")
back = transform("tagger-vjp", "vmap", "--axis", "sentence=0,cotangent/tags=0", out="tagger-vjps")
vectors = torch.randn(3, WORDS, TAGS, dtype=torch.float64)
theirs = vmap(lambda sentence, vector: vjp(tags, sentence)[1](vector)[0])(sentences, vectors)
compare("gradients by their words", back(sentence=sentences, cotangent__tags=vectors)["vjp/sentence"], theirs.detach())
