// The smallest program that uses a bundle: node cold.js BUNDLE FILE, as torch_embed.py cold FILE. FILE has the examples.
import { readFile } from "node:fs/promises";
import { Learner } from "@innerloop/runtime";
import { decodeSafetensors } from "@innerloop/schemas/bundle";

const [, , bundle = "", file = ""] = process.argv;
const [learner, bytes] = await Promise.all([Learner.load(bundle, { provider: "cpu" }), readFile(file)]);
const { support_x: x, support_y: y, query_x: query } = decodeSafetensors(bytes, file).tensors;
const labels = Array.from(y!.data, String);
const mine = await learner.adapt({ data: x!.data as Float32Array, shape: x!.shape, labels });
await mine.predict(query!.data as Float32Array);
process.stdout.write("ready\n");
await learner.dispose();
