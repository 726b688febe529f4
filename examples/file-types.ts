// Kinds of files of your own, told by Google's magika (PyPI: pip download magika, unzip) from ten files of each:
// innerloop adaptable magika/models/standard_v3_3/model.onnx --padding 256 --out runs/magika \
//   --embedding jax2tf_get_logits_/pjit_get_logits_/MagikaV2/LayerNorm_1/AddV2_1:0
// node examples/dist/file-types.js runs/magika FOLDER-WITH-A-FOLDER-A-KIND FILE …
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Learner } from "@innerloop/runtime";

const [bundle = "runs/magika", folder = "kinds", ...files] = process.argv.slice(2);

/** What magika sees of a file: its first and its last 1,024 bytes without blanks around, and 256 where there is nothing. */
function tokensOf(file: string): Float32Array {
  const bytes = readFileSync(file).toString("latin1");
  const first = bytes.slice(0, 4096).trimStart().slice(0, 1024);
  const last = bytes.slice(-4096).trimEnd().slice(-1024);
  const tokens = new Float32Array(2048).fill(256);
  for (let i = 0; i < first.length; i++) tokens[i] = first.charCodeAt(i);
  for (let i = 0; i < last.length; i++) tokens[2048 - last.length + i] = last.charCodeAt(i);
  return tokens;
}

const learner = await Learner.load(bundle);
const examples = readdirSync(folder).flatMap((label) =>
  readdirSync(join(folder, label)).map((file) => ({ label, data: tokensOf(join(folder, label, file)) })),
);
const mine = await learner.adapt(examples);
for (const file of files) {
  const { label, probability } = await mine.predict(tokensOf(file));
  console.log(`${file}: ${label}, ${(100 * probability).toFixed(0)} % sure`);
}
await learner.dispose();
