// Adapting from numbers and predicting, by import and by require, with ONNX Runtime alone beside the runtime.
import { createRequire } from "node:module";
import { Learner } from "@innerloop/runtime";

const heard = [];
for (const door of [Learner, createRequire(import.meta.url)("@innerloop/runtime").Learner]) {
  const learner = await door.load(process.argv[2]);
  const [height, width] = learner.manifest.input.shape;
  const draw = (inked) =>
    Float32Array.from({ length: height * width }, (_, i) => Number(inked(Math.floor(i / width), i % width)));
  const pillar = draw((_, column) => Math.abs(column - 14) < 2);
  const mine = await learner.adapt([
    { label: "pillar", data: pillar },
    { label: "beam", data: draw((row) => Math.abs(row - 14) < 2) },
  ]);
  const again = await learner.restore(await mine.toBytes());
  heard.push((await again.predict(pillar)).label);
  await learner.dispose();
}
console.log(String(heard) === "pillar,pillar" ? "used" : heard);
