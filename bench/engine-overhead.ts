// What the executor of TensorFlow.js costs beside its kernels: iterations of second-order MAML on conv4 (4 tasks, 5 ways,
// 1 shot), with the time that is spent in kernels, and which of them take it. `node bench/dist/engine-overhead.js tfjs:wasm …`;
// without names, every engine of TensorFlow.js that is here and computes while it is called.
import type { Tensor } from "@innerloop/schemas";
import { conv4, type Episode, listEngines, MetaTrainer, maml, openEngine } from "@innerloop/train";
import * as tf from "@tensorflow/tfjs-core";
import { median } from "./contender.ts";

const [warmUps, iterations] = [3, 9];
const registered: Readonly<Record<string, string>> = { "node-gpu": "tensorflow", "tfjs-node": "tensorflow" };

/** Calls of kernels and milliseconds in them, by the kernel's name. */
class Meter {
  readonly kernels = new Map<string, { calls: number; milliseconds: number }>();
  #depth = 0;

  /** Measures every kernel of a backend from now on; a kernel that calls others is one. */
  constructor(backend: string) {
    for (const kernel of tf.getKernelsForBackend(backend)) {
      tf.unregisterKernel(kernel.kernelName, backend);
      const kernelFunc: tf.KernelFunc = (call) => {
        const start = performance.now();
        this.#depth++;
        try {
          return kernel.kernelFunc(call);
        } finally {
          this.#depth--;
          if (this.#depth === 0) this.#count(kernel.kernelName, performance.now() - start);
        }
      };
      tf.registerKernel({ ...kernel, kernelFunc });
    }
  }

  #count(name: string, milliseconds: number): void {
    const known = this.kernels.get(name) ?? { calls: 0, milliseconds: 0 };
    this.kernels.set(name, { calls: known.calls + 1, milliseconds: known.milliseconds + milliseconds });
  }

  get total(): { calls: number; milliseconds: number } {
    const all = [...this.kernels.values()];
    const sum = (of: (timing: (typeof all)[number]) => number) => all.reduce((total, timing) => total + of(timing), 0);
    return { calls: sum((timing) => timing.calls), milliseconds: sum((timing) => timing.milliseconds) };
  }
}

/** Evenly spread pixels; the same in every run. */
function batch(): Episode[] {
  let seed = 1;
  const pixels = (n: number): Tensor => ({
    dtype: "float32",
    shape: [n, 28, 28, 1],
    data: Float32Array.from({ length: n * 784 }, () => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed / 2 ** 32;
    }),
  });
  const labels = (n: number): Tensor => ({
    dtype: "int32",
    shape: [n],
    data: Int32Array.from({ length: n }, (_, i) => i % 5),
  });
  const classes = ["0", "1", "2", "3", "4"];
  return Array.from({ length: 4 }, () => ({
    support: { x: pixels(5), y: labels(5) },
    query: { x: pixels(25), y: labels(25) },
    classes,
  }));
}

async function measure(name: string): Promise<void> {
  const { engine } = await openEngine(name);
  if (engine.queues) {
    console.log(`${name}: kernels are queued, so their time is not told by the calls`);
    return engine.dispose();
  }
  const backend = name.slice("tfjs:".length);
  const trainer = await MetaTrainer.create(maml(conv4([28, 28, 1], 5), { steps: 5 }), { engine });
  const episodes = batch();
  const times = async (count: number) => {
    const taken: number[] = [];
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      await trainer.step(episodes);
      taken.push(performance.now() - start);
    }
    return taken;
  };
  await times(warmUps);
  const plain = median(await times(iterations));
  const meter = new Meter(registered[backend] ?? backend);
  const metered = await times(iterations);
  const { calls, milliseconds } = meter.total;
  const all = metered.reduce((a, b) => a + b, 0);
  const perIteration = (n: number) => (n / iterations).toFixed(1);
  console.log(
    `${name}: ${plain.toFixed(0)} ms an iteration (median of ${iterations}); ${(calls / iterations).toFixed(0)} kernels take ` +
      `${((100 * milliseconds) / all).toFixed(1)} % of it, ${(100 - (100 * milliseconds) / all).toFixed(1)} % is the executor and the trainer`,
  );
  const largest = [...meter.kernels].sort((a, b) => b[1].milliseconds - a[1].milliseconds).slice(0, 12);
  for (const [kernel, spent] of largest)
    console.log(
      `  ${kernel.padEnd(16)} ${perIteration(spent.calls).padStart(8)} calls ${perIteration(spent.milliseconds).padStart(8)} ms`,
    );
  await trainer.dispose();
}

const asked = process.argv.slice(2);
const there = (await listEngines())
  .filter((engine) => engine.available && engine.name.startsWith("tfjs:"))
  .map((engine) => engine.name);
for (const name of asked.length > 0 ? asked : there) await measure(name);
