// A program of its own: loads a stack of TensorFlow and computes with it. A library that does not fit takes this process down
// and no other. Arguments: the stack's module, the project's tfjs-core. Prints what it found as one line of JSON.
import { createRequire } from "node:module";
import type { TensorFlowModule } from "@innerloop/train";

const [module, core] = process.argv.slice(2) as [string, string];
const load = createRequire(import.meta.url);
const tf = load(core) as Parameters<TensorFlowModule["register"]>[0];
const { version, gpu } = (load(module) as TensorFlowModule).register(tf);
if (!(await tf.setBackend("tensorflow"))) throw new Error("the backend does not start");

const square = tf.tensor2d([1, 2, 3, 4], [2, 2]);
expectNumbers("a product of matrices", await tf.matMul(square, square).data(), [7, 10, 15, 22]);
const image = tf.tensor4d(new Array(9).fill(1), [1, 3, 3, 1]);
const weights = tf.tensor4d(new Array(9).fill(1), [3, 3, 1, 1]);
expectNumbers("a convolution", await tf.conv2d(image, weights, 1, "same").data(), [4, 6, 4, 6, 9, 6, 4, 6, 4]);
const gradient = tf
  .engine()
  .runKernel<typeof weights>(
    "Conv2DBackpropFilter",
    { x: image, dy: tf.tensor4d([2], [1, 1, 1, 1]) },
    { strides: [1, 1], pad: "valid", dataFormat: "NHWC", filterShape: [3, 3, 1, 1] },
  );
expectNumbers("the gradient of a convolution", await gradient.data(), new Array(9).fill(2));
console.log(JSON.stringify({ version, gpu }));

function expectNumbers(what: string, found: ArrayLike<number>, expected: readonly number[]): void {
  if (found.length === expected.length && expected.every((value, i) => Math.abs(value - found[i]!) < 1e-4)) return;
  throw new Error(`${what} came out as ${Array.from(found).join(", ")} instead of ${expected.join(", ")}`);
}
