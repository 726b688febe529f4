// By import and by require: adapting from pictures, predicting, saving, in a project with ONNX Runtime and sharp.
import { createRequire } from "node:module";
import { InnerloopError, Learner } from "@innerloop/runtime";
import { exampleOf } from "@innerloop/runtime/input";

const [bundle, picture] = process.argv.slice(2);
const heard = [];
for (const door of [Learner, createRequire(import.meta.url)("@innerloop/runtime").Learner]) {
  const learner = await door.load(bundle);
  const [width, height] = learner.manifest.input.shape;
  const drawn = exampleOf(learner.manifest, {
    data: Uint8Array.from({ length: width * height }, (_, i) => i),
    width,
    height,
  });
  const examples = [
    { label: "photo", data: await learner.example(picture) },
    { label: "empty", data: drawn },
  ];
  const mine = await learner.adapt(examples);
  const again = await learner.restore(await mine.toBytes());
  heard.push((await again.predict(drawn)).label);
  await learner.dispose();
}
const error = await Learner.load("nowhere").catch((cause) => cause);
if (String(heard) === "empty,empty" && error instanceof InnerloopError) console.log("used");
