// A Learner in a worker thread: it is disposed before the thread is terminated, and the process goes on.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { writeBundle } from "./fixture.ts";

it("may be terminated once its Learner is disposed, in the middle of its work", () => {
  const folder = temporaryFolder();
  const runtime = import.meta.resolve("@innerloop/runtime");
  const worker = join(folder, "worker.mjs");
  writeFileSync(
    worker,
    `import { parentPort } from "node:worker_threads";
import { Learner } from ${JSON.stringify(runtime)};
const learner = await Learner.load(${JSON.stringify(writeBundle("linear"))}, { provider: "cpu" });
const example = new Float32Array(learner.manifest.input.shape.reduce((a, b) => a * b, 1)).fill(1);
const busy = Array.from({ length: 50 }, () => learner.predict(example).catch(({ code }) => code));
await learner.dispose();
parentPort.postMessage((await Promise.all(busy)).every(({ label }) => label !== undefined));
setInterval(() => {}, 1000);
`,
  );
  const main = join(folder, "main.mjs");
  writeFileSync(
    main,
    `import { once } from "node:events";
import { Worker } from "node:worker_threads";
for (let i = 0; i < 3; i++) {
  const worker = new Worker(${JSON.stringify(worker)});
  const [answered] = await once(worker, "message");
  console.log(answered, await worker.terminate());
}
`,
  );
  const { status, signal, stdout } = spawnSync(process.execPath, [main], { encoding: "utf8" });
  expect([status, signal, stdout]).toEqual([0, null, "true 1\n".repeat(3)]);
});
