// Kinds of files of your own, told by Google's magika from ten files of each (PyPI: pip download magika --no-deps, unzip):
// innerloop adaptable magika/models/standard_v3_3/model.onnx --kind bytes --last 1024 --trim 4096 --padding 256 --out runs/magika \
//   --embedding jax2tf_get_logits_/pjit_get_logits_/MagikaV2/LayerNorm_1/AddV2_1:0
// node examples/dist/file-types.js runs/magika FOLDER-WITH-A-FOLDER-A-KIND FILE …
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Learner } from "@innerloop/runtime";

const [bundle = "runs/magika", folder = "kinds", ...files] = process.argv.slice(2);

const learner = await Learner.load(bundle);
const seen = (file: string): Promise<Float32Array> => learner.example(readFileSync(file));
const examples = readdirSync(folder).flatMap((label) =>
  readdirSync(join(folder, label)).map(async (file) => ({ label, data: await seen(join(folder, label, file)) })),
);
const mine = await learner.adapt(await Promise.all(examples));
for (const file of files) {
  const { label, probability } = await mine.predict(await seen(file));
  console.log(`${file}: ${label}, ${(100 * probability).toFixed(0)} % sure`);
}
await learner.dispose();
