"""LoRA on a DistilBERT-shaped encoder: PyTorch with PEFT against the bundle that `innerloop adaptable` makes of the same model.

    python bench/peers/lora.py [DIM LAYERS]        needs torch, transformers, peft, onnx, onnxruntime, and the built command line

Five Adam steps on factors of rank 8 beside the query and value products and on a fresh classifier, 16 texts of 64 tokens, one thread. Each
side runs in processes of its own, in turns: seconds of the processor for the five steps (median), and the most memory that the process had.
"""

import json
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

warnings.filterwarnings("ignore")
ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXTS, TOKENS, WAYS, STEPS, RANK, REPEATS = 16, 64, 4, 5, 8, 3


def examples():
    import numpy as np

    ids = np.random.default_rng(0).integers(1, 8000, (TEXTS, TOKENS))
    return ids, np.arange(TEXTS) % WAYS


def encoder(dim, layers):
    import torch
    from transformers import DistilBertConfig, DistilBertModel

    torch.manual_seed(0)
    torch.set_num_threads(1)
    config = DistilBertConfig(vocab_size=8000, dim=dim, n_layers=layers, n_heads=4, hidden_dim=4 * dim, dropout=0.0,
                              max_position_embeddings=128, attention_dropout=0.0, attn_implementation="eager")
    return DistilBertModel(config).eval()


def export(folder, dim, layers):
    import torch

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = encoder(dim, layers)

        def forward(self, input_ids, attention_mask):
            return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    ones = torch.ones(2, TOKENS, dtype=torch.long)
    names = ["input_ids", "attention_mask", "last_hidden_state"]
    torch.onnx.export(Encoder(), (ones, ones), f"{folder}/model.onnx", dynamo=False, opset_version=17, input_names=names[:2],
                      output_names=names[2:], dynamic_axes={name: {0: "batch", 1: "sequence"} for name in names})


def timed(run):
    run()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return {"seconds": statistics.median(times), "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def peft(_, dim, layers):
    import torch
    from peft import LoraConfig, get_peft_model

    ids, labels = map(torch.from_numpy, examples())
    config = LoraConfig(r=RANK, lora_alpha=RANK, target_modules=["q_lin", "v_lin"], lora_dropout=0.0)
    model = get_peft_model(encoder(dim, layers), config)
    mask = torch.ones_like(ids)
    head = [torch.zeros(dim, WAYS, requires_grad=True), torch.zeros(WAYS, requires_grad=True)]
    moved = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def loss():
        rows = model(input_ids=ids, attention_mask=mask).last_hidden_state.mean(1)
        return torch.nn.functional.cross_entropy(rows @ head[0] + head[1], labels)

    def run():
        optimizer = torch.optim.Adam([{"params": moved, "lr": 1e-3}, {"params": head, "lr": 1e-2}])
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()
        with torch.no_grad():
            loss()

    return {**timed(run), "share": sum(p.numel() for p in moved) / sum(p.numel() for p in model.parameters())}


def ours(folder, *_):
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(f"{folder}/bundle/adapt.onnx", options)
    ids, labels = examples()
    feeds = {"support_x": ids.astype(np.float32), "support_y": labels, "steps": np.array(STEPS, np.int64)}
    return timed(lambda: session.run(None, feeds))


def main(dim, layers):
    with tempfile.TemporaryDirectory() as folder:
        side = lambda name: json.loads(subprocess.run([sys.executable, __file__, name, folder, dim, layers], check=True,
                                                      capture_output=True, text=True).stdout.splitlines()[-1])
        side("export")
        command = ["node", str(ROOT / "cli/bin/innerloop.js"), "adaptable", f"{folder}/model.onnx", "--head", f"ways:{WAYS}",
                   "--train", f"lora:{RANK}", "--lora-on", "/q_lin|v_lin/", "--size", f"sequence={TOKENS}", "--out", f"{folder}/bundle"]
        subprocess.run(command, check=True, capture_output=True)
        turns = [(side("peft"), side("ours")) for _ in range(3)]
        ratio = lambda key: statistics.median(own[key] / peer[key] for peer, own in turns)
        size = sum(file.stat().st_size for file in pathlib.Path(folder, "bundle").iterdir())
        print(f"weights that move: {100 * turns[0][0]['share']:.2f} %")
        print(f"time {ratio('seconds'):.2f}, peak memory {ratio('megabytes'):.2f} of PyTorch's with PEFT")
        print(f"the bundle has {size / pathlib.Path(folder, 'model.onnx').stat().st_size:.3f} of the model's bytes")


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in ("export", "peft", "ours"):
        name, folder, dim, layers = sys.argv[1:]
        print(json.dumps({"export": export, "peft": peft, "ours": ours}[name](folder, int(dim), int(layers))))
    else:
        main(*(sys.argv[1:] or ["256", "4"]))
