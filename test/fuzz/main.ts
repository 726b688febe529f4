// `npm run fuzz -- TARGET --minutes M [--seed N]`: as many inputs as there is time for, and what they found. TARGET is one
// of the names in targets.ts, or `all`.
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import type { Report } from "./run.ts";
import { targets } from "./targets.ts";
import type { Order } from "./worker.ts";

/** Seconds without a new input after which the one before never ends. */
const patience = 30;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: "string" }, inputs: { type: "string" }, seed: { type: "string" } },
});
const names = positionals[0] === "all" ? targets.map(({ name }) => name) : positionals;
const known = targets.map(({ name }) => name);
if (names.length === 0 || names.some((name) => !known.includes(name))) {
  console.error(`usage: npm run fuzz -- TARGET --minutes M [--inputs N] [--seed N]\nTARGET: all, ${known.join(", ")}`);
  process.exit(2);
}
const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
const seed = number(values.seed) ?? Math.floor(Math.random() * 2 ** 31);
const inputs = number(values.inputs);
const minutes = number(values.minutes) ?? (inputs === undefined ? 1 : undefined);

let [total, failures] = [0, 0];
for (const name of names) {
  const report = await run(name);
  if (typeof report === "string") {
    failures++;
    console.log(`${name}: ${report}`);
    continue;
  }
  total += report.inputs;
  failures += report.findings.length;
  console.log(
    `${name}: ${report.inputs} inputs, ${report.accepted} accepted, ${report.findings.length} failures; ` +
      `slowest ${Math.round(report.slowest)} ms, hungriest ${(report.hungriest / 1e6).toFixed(1)} MB`,
  );
  for (const { seed, error, input } of report.findings) console.log(`  seed ${seed}: ${error}\n  ${input}\n`);
}
console.log(`seed ${seed}: ${total} inputs, ${failures} failures`);
process.exitCode = failures > 0 ? 1 : 0;

/** The report of a target, or why there is none. */
function run(target: string): Promise<Report | string> {
  const counter = new Int32Array(new SharedArrayBuffer(4));
  const order: Order = {
    target,
    seed,
    counter,
    ...(inputs === undefined ? {} : { inputs }),
    ...(minutes === undefined ? {} : { minutes }),
  };
  const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: order });
  let before = -1;
  return new Promise((resolve) => {
    const watch = setInterval(() => {
      const now = Atomics.load(counter, 0);
      if (now === before && now > 0) end(`input ${now} never ends (seed ${seed})`);
      before = now;
    }, 1000 * patience);
    const end = (result: Report | string): void => {
      clearInterval(watch);
      worker.terminate();
      resolve(result);
    };
    worker.on("message", end);
    worker.on("error", (error) => end(`ended by ${error.stack ?? error} after ${Atomics.load(counter, 0)} inputs`));
  });
}
