// `innerloop setup`: installs what computes on a GPU, or builds what computes on this processor, without ever breaking what works.
import type { SetupOptions } from "@innerloop/setup";
import { defineCommand, didYouMean, withoutEffect, wrongCall } from "../call/command.ts";
import { interruptible } from "../call/interrupt.ts";
import { print, printJson, program, say } from "../terminal/output.ts";

const stacks = ["native", "tfjs-gpu", "cuda"] as const;

export const command = defineCommand({
  name: "setup",
  summary: "install what computes faster, on this processor or a GPU: made aside, tried, then put to use",
  arguments: [
    {
      name: "stack",
      what: "native (kernels that this machine's C compiler builds for its processor), tfjs-gpu (TensorFlow, for training) or cuda (ONNX Runtime's CUDA provider)",
      completes: { words: stacks },
    },
  ],
  options: {
    from: {
      type: "text",
      what: "tfjs-gpu: stock, or a Python environment, its site-packages, or a .whl file; cuda: download, a folder, a Python environment, or a .whl file of onnxruntime-gpu",
      completes: { words: ["stock", "download"], paths: true },
      otherwise: "tfjs-gpu: the TensorFlow of the Python in use; cuda: download",
    },
    python: {
      type: "text",
      what: "the Python program whose packages are used",
      completes: "paths",
      otherwise: "the one in use",
    },
    undo: { type: "switch", what: "go back to what was there before" },
    anyway: { type: "switch", what: "cuda: put the files in place although libraries are missing on this machine" },
    json: { type: "switch", what: "what was done as JSON on stdout" },
  },
  examples: [
    ["setup native", "build the kernels of the engine native"],
    ["setup tfjs-gpu", "build tfjs-node against pip's TensorFlow"],
    ["setup tfjs-gpu --from stock", "the stock @tensorflow/tfjs-node-gpu, for CUDA 11"],
    ["setup cuda --from onnxruntime_gpu.whl", "the CUDA provider out of a Python wheel"],
    ["setup cuda --undo", "take it away again"],
  ],
  async run({ from, python, undo = false, anyway = false, json = false }, [stack]) {
    const known = stacks.find((name) => name === stack);
    if (known === undefined)
      throw wrongCall(
        "unknown-stack",
        `"${stack}" cannot be set up; ${stacks.join(", ")} can${didYouMean(stack!, stacks) || "."}`,
      );
    if (known === "native" && (from ?? python) !== undefined)
      throw withoutEffect(
        from === undefined ? "--python" : "--from",
        "kernels are built from what is installed already",
      );
    if (undo && (from ?? python) !== undefined)
      throw wrongCall("bad-call", "--undo takes away what is there, so --from and --python have no meaning with it.");
    if (anyway && (known !== "cuda" || undo))
      throw wrongCall("bad-call", "--anyway belongs to innerloop setup cuda; leave it out.");
    if (from !== undefined && python !== undefined && (known === "cuda" || !/\.whl$/i.test(from)))
      throw withoutEffect("--python", "--from says where the files are");
    const work = { native, cuda, "tfjs-gpu": tfjsGpu }[known];
    const { text, data } = await interruptible(
      "Stopping; what works stays as it is.",
      (signal) => work({ from, python, undo, anyway }, { signal, onMessage: say }),
      () => "Stopped; what was set up before is as it was.",
    );
    if (json) printJson({ stack: known, ...data });
    else print(text);
    if (!undo) say(`To see what works now: ${program} doctor`);
  },
});

interface Asked {
  readonly from: string | undefined;
  readonly python: string | undefined;
  readonly undo: boolean;
  readonly anyway: boolean;
}

interface Done {
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
}

async function native({ undo }: Asked, options: SetupOptions): Promise<Done> {
  const { setupNative, undoNative } = await import("@innerloop/setup");
  if (undo) {
    const { removed, old } = await undoNative();
    const text = `Taken away: ${[removed, ...old].join(", ")}. ONNX Runtime computes from now on.`;
    return { text, data: { removed, ...(old.length > 0 && { old }) } };
  }
  const { file, compiler, old } = await setupNative(options);
  const gone = old.length > 0 ? ` Those of earlier releases were taken away: ${old.join(", ")}.` : "";
  const text = `Kernels for this processor, built by ${compiler}, work; they are in ${file}. The engine is native.${gone}`;
  return { text, data: { file, compiler, engine: "native", ...(old.length > 0 && { old }) } };
}

async function tfjsGpu({ from, python, undo }: Asked, options: SetupOptions): Promise<Done> {
  const { setupTensorFlow, undoTensorFlow } = await import("@innerloop/setup");
  if (undo) {
    const { removed, current } = await undoTensorFlow();
    const text = current
      ? `Back to ${current.what}.`
      : `Taken away; no TensorFlow is set up now, and the engines tfjs:node-gpu and tfjs:tfjs-node are off.`;
    return { text, data: { undone: removed, current: current ?? null } };
  }
  const made = await setupTensorFlow({ from, python }, options);
  const engine = made.gpu ? "tfjs:node-gpu" : "tfjs:tfjs-node";
  const why = made.reason ? ` It is on the processor: ${made.reason}.` : "";
  return {
    text: `${made.what}, works; it is in ${made.folder}. The engine is ${engine}.${why}`,
    data: { ...made, engine },
  };
}

async function cuda(asked: Asked, options: SetupOptions): Promise<Done> {
  const [{ setupCuda, undoCuda }, { showLibraries }] = await Promise.all([
    import("@innerloop/setup"),
    import("@innerloop/runtime/libraries"),
  ]);
  if (asked.undo) {
    const { removed, restored } = await undoCuda();
    const text = restored.length > 0 ? `Put back: ${restored.join(", ")}.` : `Taken away: ${removed.join(", ")}.`;
    return { text, data: { removed, restored } };
  }
  const done = await setupCuda(asked, options);
  const path = done.libraryPath ? ` Programs need LD_LIBRARY_PATH=${done.libraryPath} to find its libraries.` : "";
  const lacking = done.missing.length > 0 ? `this machine lacks ${showLibraries(done.missing)}` : `${done.reason}`;
  const text = done.works
    ? `ONNX Runtime ${done.version} computes on the GPU: the provider cuda works.${path}`
    : `The files of the provider cuda are in place. It does not start yet: ${lacking}.${path}`;
  return { text, data: { ...done } };
}
