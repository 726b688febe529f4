"""LoRA on a DistilBERT-shaped encoder: PyTorch with PEFT against the bundle that `innerloop adaptable` makes of the same model.

    python bench/peers/lora.py [--dim 768 --layers 6 --heads 12 --vocabulary 30522 --texts 8 --tokens 64 --threads 1 --turns 3]

Needs torch, transformers, peft, onnx, onnxruntime, and the built command line. The bundle runs on ONNX Runtime, and on native
kernels where they are built. Five Adam steps on factors of rank 8 beside the query and
value products and on a fresh classifier. Each side runs in processes of its own, in turns: seconds of the processor for the five steps and a last look at the
loss (median), the most memory that the process had, and how far that is above what it held with the model loaded, before the first step.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

warnings.filterwarnings("ignore")
ROOT = pathlib.Path(__file__).resolve().parents[2]
WAYS, STEPS, RANK, REPEATS = 4, 5, 8, 2


def examples(shape):
    import numpy as np

    ids = np.random.default_rng(0).integers(1, shape.vocabulary, (shape.texts, shape.tokens))
    return ids, np.arange(shape.texts) % WAYS


def encoder(shape, attention):
    import torch
    from transformers import DistilBertConfig, DistilBertModel

    torch.manual_seed(0)
    torch.set_num_threads(shape.threads)
    config = DistilBertConfig(vocab_size=shape.vocabulary, dim=shape.dim, n_layers=shape.layers, n_heads=shape.heads, hidden_dim=4 * shape.dim,
                              dropout=0.0, attention_dropout=0.0, attn_implementation=attention)
    return DistilBertModel(config).eval()


def export(folder, shape):
    import torch

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = encoder(shape, "eager")

        def forward(self, input_ids, attention_mask):
            return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    ones = torch.ones(2, shape.tokens, dtype=torch.long)
    names = ["input_ids", "attention_mask", "last_hidden_state"]
    torch.onnx.export(Encoder(), (ones, ones), f"{folder}/model.onnx", dynamo=False, opset_version=17, input_names=names[:2],
                      output_names=names[2:], dynamic_axes={name: {0: "batch", 1: "sequence"} for name in names})


def memory(key):
    """MiB of this process: VmRSS, what it holds; VmHWM, the most that it held."""
    status = pathlib.Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(key))


def timed(run):
    """The first run counts for memory, and not for time."""
    loaded, before = memory("VmRSS"), memory("VmHWM")
    # The most so far is forgotten, so that growth is that of steps and not of loading.
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    losses = run()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    peak = memory("VmHWM")
    return {"seconds": statistics.median(times), "peak": max(before, peak), "loaded": loaded, "growth": peak - loaded, "losses": losses}


def peft(_, shape, attention):
    import torch
    from peft import LoraConfig, get_peft_model

    ids, labels = map(torch.from_numpy, examples(shape))
    config = LoraConfig(r=RANK, lora_alpha=RANK, target_modules=["q_lin", "v_lin"], lora_dropout=0.0)
    model = get_peft_model(encoder(shape, attention), config)
    mask = torch.ones_like(ids)
    head = [torch.zeros(shape.dim, WAYS, requires_grad=True), torch.zeros(WAYS, requires_grad=True)]
    moved = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def loss():
        rows = model(input_ids=ids, attention_mask=mask).last_hidden_state.mean(1)
        return torch.nn.functional.cross_entropy(rows @ head[0] + head[1], labels)

    def run():
        optimizer = torch.optim.Adam([{"params": moved, "lr": 1e-3}, {"params": head, "lr": 1e-2}])
        losses = []
        for _ in range(STEPS):
            optimizer.zero_grad()
            value = loss()
            losses.append(value.item())
            value.backward()
            optimizer.step()
        with torch.no_grad():
            losses.append(loss().item())
        return losses

    share = sum(p.numel() for p in moved) / sum(p.numel() for p in model.parameters())
    return {**timed(run), "share": share}


def ours(folder, shape, bundle):
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = shape.threads, 3
    # As the runtime opens a model that adapts, with weights beside it.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.disable_prepacking", "1")
    session = onnxruntime.InferenceSession(f"{folder}/{bundle}/adapt.onnx", options)
    ids, labels = examples(shape)
    feeds = {"support_x": ids.astype(np.float32), "support_y": labels, "steps": np.array(STEPS, np.int64)}
    return timed(lambda: session.run(["support_loss"], feeds)[0].tolist())


def natively(folder, shape, bundle):
    """On native kernels, by Node."""
    ids, labels = examples(shape)
    given = json.dumps({"shape": ids.shape, "ids": ids.ravel().tolist(), "labels": labels.tolist()})
    command = ["node", str(ROOT / "bench/dist/peers/lora.js"), f"{folder}/{bundle}", str(shape.threads), str(STEPS), str(REPEATS)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, input=given).stdout)


def are_built():
    """Whether there are native kernels."""
    command = ["node", "--input-type=module", "--eval", "import { kernelsHere } from '@innerloop/native'; process.exit(kernelsHere() ? 0 : 1)"]
    return subprocess.run(command, cwd=ROOT).returncode == 0


def arguments():
    parser = argparse.ArgumentParser()
    for name, usual in dict(dim=768, layers=6, heads=12, vocabulary=30522, texts=8, tokens=64, threads=1, turns=3).items():
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--side", nargs="*")
    parser.add_argument("--folder")
    return parser.parse_args()


def main(shape):
    given = [argument for name, value in vars(shape).items() if isinstance(value, int) for argument in (f"--{name}", str(value))]
    with tempfile.TemporaryDirectory() as temporary:
        folder = shape.folder or temporary
        run = lambda *side: json.loads(subprocess.run([sys.executable, __file__, "--folder", folder, *given, "--side", *side], check=True,
                                                      capture_output=True, text=True).stdout.splitlines()[-1])
        model = pathlib.Path(folder, "model.onnx")
        if not model.exists():
            run("export")
        command = ["node", str(ROOT / "cli/bin/innerloop.js"), "adaptable", str(model), "--head", f"ways:{WAYS}", "--train", f"lora:{RANK}",
                   "--lora-on", "/q_lin|v_lin/", "--size", f"sequence={shape.tokens}"]
        sides = {"bundle": [], "recompute": ["--recompute"]}
        for name, more in sides.items():
            subprocess.run([*command, *more, "--out", f"{folder}/{name}"], check=True, capture_output=True)
        kinds = {"": "ours", " native": "natively"} if are_built() else {"": "ours"}
        ours_of = lambda: {f"{name}{more}": run(kind, name) for more, kind in kinds.items() for name in sides}
        turns = [({kind: run("peft", kind) for kind in ("sdpa", "eager")}, ours_of()) for _ in range(shape.turns)]
        middle = lambda of: statistics.median(map(of, turns))
        print(f"weights that move: {100 * turns[0][0]['sdpa']['share']:.2f} %")
        for i, sides_of in enumerate(turns[0]):
            for name in sides_of:
                each = {key: middle(lambda turn: turn[i][name][key]) for key in ("seconds", "peak", "loaded", "growth")}
                print(f"{name}: {each['seconds']:.2f} s, peak {each['peak']:.0f} MiB, with the model loaded {each['loaded']:.0f}, growth {each['growth']:.0f}")
                print(f"  losses {[round(x, 4) for x in turns[0][i][name]['losses']]}")
        for name in turns[0][1]:
            best = lambda key: middle(lambda turn: turn[1][name][key] / min(each[key] for each in turn[0].values()))
            size = sum(file.stat().st_size for file in pathlib.Path(folder, name.split()[0]).iterdir())
            print(f"{name}: time {best('seconds'):.2f}, peak memory {best('peak'):.2f}, growth {best('growth'):.2f} of the best of PyTorch's with PEFT; "
                  f"{size / model.stat().st_size:.3f} of the model's bytes")


if __name__ == "__main__":
    given = arguments()
    if given.side:
        name, *rest = given.side
        print(json.dumps({"export": export, "peft": peft, "ours": ours, "natively": natively}[name](given.folder, given, *rest)))
    else:
        main(given)
