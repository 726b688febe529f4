// TensorFlow.js as a peer, as one would write the inner loop by hand with its gradients: on WebAssembly, or on plain
// JavaScript where that lacks a kernel. tfjs-node needs an addon that its install downloads; the engines of training are compared in `bench -- engines`.
import { createRequire } from "node:module";
import { dirname } from "node:path";
import * as tf from "@tensorflow/tfjs";
import * as wasm from "@tensorflow/tfjs-backend-wasm";
import { digest } from "../ours/result.ts";
import { type Case, dataOf } from "../workloads.ts";
import type { Data, WorkloadBatch } from "./data.ts";
import { type Runnable, serve } from "./serve.ts";

type Weights = readonly tf.Tensor[];
type Forward = (p: Weights, x: tf.Tensor) => tf.Tensor;

const tensor = ({ data, shape }: Data) => tf.tensor(data, [...shape]);

const pair: [number, number] = [1, 1];
const none: [number, number] = [0, 0];
/** PyTorch's and ONNX's padding of one on each side, which "same" is not for an even size and a stride of two. */
const conv = (x: tf.Tensor, w: tf.Tensor, stride: number) =>
  tf.conv2d(tf.pad(x as tf.Tensor4D, [none, pair, pair, none]), w as tf.Tensor4D, stride, "valid");

const dense = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) => tf.add(tf.matMul(x, w), b);

/** The network of a case; of the mlp with a leading task axis on everything as well. */
function forwardOf({ network }: Case): Forward {
  if (network.model === "mlp") {
    const row = (b: tf.Tensor) => (b.rank === 2 ? tf.expandDims(b, 1) : b);
    return (p, x) => {
      const first = tf.relu(dense(x, p[0]!, row(p[1]!)));
      return dense(tf.relu(dense(first, p[2]!, row(p[3]!))), p[4]!, row(p[5]!));
    };
  }
  const flat = (x: tf.Tensor) => tf.reshape(x, [x.shape[0]!, -1]);
  if (network.model === "metamodel") {
    const block = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) =>
      tf.maxPool(tf.relu(tf.add(conv(x, w, 1), b)) as tf.Tensor4D, 2, 2, "valid");
    return (p, x) => {
      const seen = flat(block(block(x, p[0]!, p[1]!), p[2]!, p[3]!));
      return dense(tf.relu(dense(seen, p[4]!, p[5]!)), p[6]!, p[7]!);
    };
  }
  return (p, x) => {
    const body = network.strides!.reduce((seen: tf.Tensor, stride, i) => {
      const y = conv(seen, p[3 * i]!, stride);
      const { mean, variance } = tf.moments(y, [1, 2, 3], true);
      const normal = tf.mul(tf.sub(y, mean), tf.rsqrt(tf.add(variance, 1e-5)));
      return tf.relu(tf.add(tf.mul(normal, p[3 * i + 1]!), p[3 * i + 2]!));
    }, x);
    return dense(flat(body), p.at(-2)!, p.at(-1)!);
  };
}

async function ready(workload: Case, backend: string, threads: number): Promise<Runnable> {
  if (backend === "wasm") {
    wasm.setThreadsCount(threads);
    wasm.setWasmPaths(`${dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  }
  await tf.setBackend(backend);
  const { kind, network, steps, tasks } = workload;
  const data = dataOf(workload);
  const names = Object.keys(data.parameters);
  const theta = Object.values(data.parameters).map(tensor);
  const rates = names.map((name) => workload.rates[name]!);
  const forward = forwardOf(workload);
  const targets = (y: WorkloadBatch["y"]) =>
    "shape" in y ? tensor(y) : tf.oneHot(tf.tensor1d(y, "int32"), network.outputs);
  const lossOf = (answers: tf.Tensor, y: tf.Tensor): tf.Tensor =>
    network.model === "mlp"
      ? tf.mean(tf.square(tf.sub(answers, y)))
      : tf.neg(tf.mean(tf.sum(tf.mul(y, tf.logSoftmax(answers)), -1)));
  const stepped = (p: Weights, slopes: Weights) => p.map((value, i) => tf.sub(value, tf.mul(slopes[i]!, rates[i]!)));
  const named = (values: Weights) =>
    Object.fromEntries(names.map((name, i) => [name, { data: values[i]!.dataSync() }]));

  /** Everything that a run gives: losses, and arrays by the parameters' names. */
  let compute: () => { losses: tf.Tensor[]; values: Weights };
  if (kind === "adapt") {
    const { x, y } = data.tasks[0]!.support;
    const [sx, sy] = [tensor(x), targets(y)];
    compute = () => {
      let fast: Weights = theta;
      const losses: tf.Tensor[] = [];
      const slopes = tf.valueAndGrads((...p: tf.Tensor[]) => lossOf(forward(p, sx), sy) as tf.Scalar);
      for (let step = 0; step < steps; step++) {
        const { value, grads } = slopes([...fast]);
        losses.push(value);
        fast = stepped(fast, grads);
      }
      return { losses: [...losses, lossOf(forward(fast, sx), sy)], values: fast };
    };
  } else if (kind === "meta" && network.model === "mlp") {
    const stacked = (part: "support" | "query", of: "x" | "y") =>
      tf.stack(data.tasks.map((task) => tensor(task[part][of] as Data)));
    const [sx, sy, qx, qy] = [
      stacked("support", "x"),
      stacked("support", "y"),
      stacked("query", "x"),
      stacked("query", "y"),
    ];
    const meta = tf.valueAndGrads((...p: tf.Tensor[]) => {
      let fast: Weights = p.map((value) => tf.tile(tf.expandDims(value, 0), [tasks, ...value.shape.map(() => 1)]));
      // Weights are not shared, so the sum of the tasks' losses has each task's own gradient.
      const inner = tf.grads((...q: tf.Tensor[]) => tf.mul(lossOf(forward(q, sx), sy), tasks) as tf.Scalar);
      for (let step = 0; step < steps; step++) fast = stepped(fast, inner([...fast]));
      return lossOf(forward(fast, qx), qy) as tf.Scalar;
    });
    compute = () => {
      const { value, grads } = meta([...theta]);
      return { losses: [value], values: grads };
    };
  } else throw new Error("second derivatives of convolutions are not there, and no learner of this kind is");
  const once = async () => {
    const { losses, values } = tf.tidy(() => {
      const found = compute();
      return { losses: found.losses, values: [...found.values] };
    });
    await Promise.all([...losses, ...values].map((value) => value.data()));
    const from = kind === "adapt" ? data.parameters : undefined;
    return { losses, values, from };
  };
  const drop = ({ losses, values }: Awaited<ReturnType<typeof once>>) => tf.dispose([...losses, ...values]);
  return {
    way: backend,
    async once() {
      drop(await once());
    },
    async result() {
      const found = await once();
      const losses = found.losses.map((loss) => loss.dataSync()[0]!);
      const result = { losses, ...digest(named(found.values), found.from) };
      drop(found);
      return result;
    },
    async close() {},
  };
}

await serve({
  version: () => tf.version.tfjs,
  async prepare(workload, threads) {
    const refused: string[] = [];
    for (const backend of ["wasm", "cpu"]) {
      const open = await ready(workload, backend, threads);
      const reason = await open.once().then(
        () => undefined,
        (error: Error) => error.message,
      );
      if (reason === undefined) return open;
      refused.push(`${backend}: ${reason}`);
    }
    throw new Error(refused.join("; "));
  },
});
