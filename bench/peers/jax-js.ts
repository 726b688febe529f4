// jax-js as a peer: jit of the workload on its WebAssembly backend. Its arrays are counted by reference: whoever uses one twice says `.ref`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { grad, init, jit, nn, numpy as np, valueAndGrad } from "@jax-js/jax";
import { digest } from "../ours/result.ts";
import { type Case, dataOf } from "../workloads.ts";
import type { Data } from "./data.ts";
import { serve } from "./serve.ts";

type Weights = np.Array[];

const array = ({ data, shape }: Data): np.Array => np.array(data).reshape([...shape]);
const kept = (values: Weights): Weights => values.map((value) => value.ref);

function forward(p: Weights, x: np.Array): np.Array {
  const first = nn.relu(np.matmul(x, p[0]!).add(p[1]!));
  return np.matmul(nn.relu(np.matmul(first, p[2]!).add(p[3]!)), p[4]!).add(p[5]!);
}

function lossOf(p: Weights, x: np.Array, y: np.Array): np.Array {
  return np.mean(np.square(forward(p, x).sub(y)));
}

/** With a task axis in front; a bias is a row, so that it goes beside the examples of a task. */
const spread = (shape: readonly number[]): number[] => (shape.length === 1 ? [1, 1, ...shape] : [1, ...shape]);

await serve({
  version() {
    const main = createRequire(import.meta.url).resolve("@jax-js/jax");
    return JSON.parse(readFileSync(new URL("../package.json", `file://${main}`), "utf8")).version;
  },
  async prepare(workload: Case) {
    const { kind, network, steps } = workload;
    if (network.model !== "mlp" || !(kind === "adapt" || kind === "meta"))
      throw new Error("written for the sinusoid network only");
    await init("wasm");
    const data = dataOf(workload);
    const names = Object.keys(data.parameters);
    const theta = Object.values(data.parameters).map(array);
    const rates = names.map((name) => workload.rates[name]!);
    const stepped = (p: Weights, slopes: Weights): Weights => p.map((value, i) => value.sub(slopes[i]!.mul(rates[i]!)));
    const stacked = (part: "support" | "query", of: "x" | "y") =>
      np.stack(data.tasks.map((task) => array(task[part][of] as Data)));

    const adapt = (p: Weights, x: np.Array, y: np.Array): Weights => {
      let fast = p;
      const losses: Weights = [];
      const slopes = valueAndGrad(lossOf);
      for (let step = 0; step < steps; step++) {
        const [loss, gradients] = slopes(kept(fast), x.ref, y.ref) as [np.Array, Weights];
        losses.push(loss);
        fast = stepped(fast, gradients);
      }
      return [...losses, lossOf(kept(fast), x, y), ...fast];
    };
    /** A task axis on every weight by hand: its `vmap` of `grad` gives other numbers than the tasks have one by one. */
    const meta = (p: Weights, sx: np.Array, sy: np.Array, qx: np.Array, qy: np.Array): Weights => {
      const tasks = data.tasks.length;
      const total = (q: Weights, x: np.Array, y: np.Array): np.Array => lossOf(q, x, y).mul(tasks);
      const metaLoss = (q: Weights, kx: np.Array, ky: np.Array, ax: np.Array, ay: np.Array): np.Array => {
        let fast = q.map((value) =>
          np.broadcastTo(value.reshape(spread(value.shape)), [tasks, ...spread(value.shape).slice(1)]),
        );
        for (let step = 0; step < steps; step++)
          fast = stepped(fast, grad(total)(kept(fast), kx.ref, ky.ref) as Weights);
        kx.dispose();
        ky.dispose();
        return lossOf(fast, ax, ay);
      };
      const [loss, gradients] = valueAndGrad(metaLoss)(p, sx, sy, qx, qy) as [np.Array, Weights];
      return [loss, ...gradients];
    };
    const arrays =
      kind === "adapt"
        ? [array(data.tasks[0]!.support.x), array(data.tasks[0]!.support.y as Data)]
        : [stacked("support", "x"), stacked("support", "y"), stacked("query", "x"), stacked("query", "y")];
    const function_ = jit((kind === "adapt" ? adapt : meta) as (p: Weights, ...all: np.Array[]) => Weights);
    const once = async (): Promise<Float32Array[]> => {
      const values = function_(kept(theta), ...arrays.map((value) => value.ref)) as Weights;
      return Promise.all(values.map(async (value) => (await value.data()) as Float32Array));
    };
    return {
      way: "jit, wasm",
      once,
      async result() {
        const found = await once();
        const losses = found.slice(0, found.length - names.length);
        const values = Object.fromEntries(names.map((name, i) => [name, { data: found[losses.length + i]! }]));
        const from = kind === "adapt" ? data.parameters : undefined;
        return { losses: losses.map((loss) => loss[0]!), ...digest(values, from) };
      },
      async close() {},
    };
  },
});
