// A program of its own: opens a model on the processor and on CUDA, with a copy of onnxruntime-node that has the provider's
// files beside it. Argument: the copy's folder. Prints as JSON what did not work: null, or ONNX Runtime's words.
import { createRequire } from "node:module";
import { input, op, writeOnnx } from "@innerloop/graph";

const [folder] = process.argv.slice(2) as [string];
const ort = createRequire(import.meta.url)(folder);
const x = input("x", [2, 2]);
const model = writeOnnx({ y: op.MatMul(x, x) });

console.log(JSON.stringify({ cpu: await problem("cpu"), cuda: await problem("cuda") }));

async function problem(provider: string): Promise<string | null> {
  try {
    const session = await ort.InferenceSession.create(model, { executionProviders: [provider], logSeverityLevel: 3 });
    const { y } = await session.run({ x: new ort.Tensor("float32", Float32Array.of(1, 2, 3, 4), [2, 2]) });
    const found = [...(y.data as Float32Array)].join();
    return found === "7,10,15,22" ? null : `a product of matrices came out as ${found} instead of 7,10,15,22`;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}
