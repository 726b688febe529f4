// What a TypeScript team would write with TensorFlow.js: the same body by its layers, and a head fine-tuned on the features.
import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { Tensor } from "@innerloop/schemas";
import * as wasm from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { type Body, strides } from "./body.ts";

export interface TfjsLearner {
  adapt(): Promise<void>;
  predict(): Promise<Float32Array>;
  dispose(): void;
}

const rate = 0.05;

/** On the WebAssembly backend, the fastest without a native addon. */
export async function openTfjsLearner(
  { weights }: Body,
  support: { readonly x: Tensor; readonly y: Tensor; readonly ways: number },
  query: Tensor,
  steps: number,
): Promise<TfjsLearner> {
  const folder = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm"));
  wasm.setWasmPaths(`${folder}/`);
  await tf.setBackend("wasm");
  const known = Object.fromEntries(
    Object.entries(weights).map(([name, { data, shape }]) => [name, tf.tensor(data as Float32Array, [...shape])]),
  );
  const features = (images: Tensor): tf.Tensor2D =>
    tf.tidy(() => {
      let x = tf.tensor4d(images.data as Float32Array, images.shape as [number, number, number, number]);
      strides.forEach((stride, i) => {
        const weight = known[`conv${i + 1}.weight`] as tf.Tensor4D;
        // PyTorch's and ONNX's padding of one on each side, which "same" is not for an even size and a stride of two.
        const y = tf.conv2d(
          tf.pad(x, [
            [0, 0],
            [1, 1],
            [1, 1],
            [0, 0],
          ]),
          weight,
          stride,
          "valid",
        );
        const { mean, variance } = tf.moments(y, [1, 2, 3], true);
        const normal = tf.mul(tf.sub(y, mean), tf.rsqrt(tf.add(variance, 1e-5)));
        x = tf.relu(tf.add(tf.mul(normal, known[`norm${i + 1}.gain`]!), known[`norm${i + 1}.bias`]!));
      });
      return tf.reshape(x, [images.shape[0]!, -1]) as tf.Tensor2D;
    });
  let head: tf.Tensor[] = [];
  return {
    async adapt() {
      tf.dispose(head);
      const seen = features(support.x);
      const hot = tf.oneHot(tf.tensor1d(support.y.data as Int32Array, "int32"), support.ways);
      const [n, width] = seen.shape;
      // The gradient of the cross-entropy by hand: quicker than recording it, and peers should be at their best.
      head = tf.tidy(() => {
        let weight: tf.Tensor2D = tf.zeros([width, support.ways]);
        let bias: tf.Tensor = tf.zeros([support.ways]);
        for (let step = 0; step < steps; step++) {
          const error = tf.div(tf.sub(tf.softmax(tf.add(tf.matMul(seen, weight), bias)), hot), n) as tf.Tensor2D;
          weight = tf.sub(weight, tf.mul(tf.matMul(seen, error, true), rate));
          bias = tf.sub(bias, tf.mul(tf.sum(error, 0), rate));
        }
        return [weight, bias];
      });
      await head[0]!.data();
      tf.dispose([seen, hot]);
    },
    async predict() {
      const logits = tf.tidy(() => tf.add(tf.matMul(features(query), head[0] as tf.Tensor2D), head[1]!));
      const values = (await logits.data()) as Float32Array;
      logits.dispose();
      return values;
    },
    dispose() {
      tf.dispose([...Object.values(known), ...head]);
    },
  };
}
