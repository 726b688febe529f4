// `npm run test:engines`: the whole engine suite and the loss curves on every engine that is there, each in a process of its
// own, and one table at the end.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type EngineReport, listEngines } from "@innerloop/train";
import { type CurveOptions, checksOf, curveOf } from "./curve.ts";
import { countsOf, curvesTable, enginesTable, type Row } from "./report.ts";
import { useSoftwareGpu } from "./software-gpu.ts";
import { runSuite } from "./suite.ts";

const { values } = parseArgs({
  options: {
    engines: { type: "string" },
    iterations: { type: "string", default: "300" },
    minutes: { type: "string", default: "15" },
    json: { type: "string" },
  },
});
const options: CurveOptions = {
  iterations: Number(values.iterations),
  minutes: Number(values.minutes),
  filters: 16,
  tasks: 2,
  episodes: 100,
};
const referenceName = "onnxruntime:cpu";
// ONNX Runtime's answers would hide a fault of native kernels.
process.env.INNERLOOP_NATIVE_FAULTS = "throw";

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** What of the suite concerns an engine. */
const filesFor = (engine: string): string[] => [
  "test/train/engines.test.ts",
  ...(engine.startsWith("tfjs:") ? ["test/train/tfjs"] : []),
];

type Trained = Pick<Row, "curve" | "checks">;

async function trained(engine: string): Promise<Trained> {
  try {
    return { curve: await curveOf(engine, options), checks: [] };
  } catch (cause) {
    return { checks: [{ name: "curve", outcome: "failed", words: (cause as Error).message }] };
  }
}

/** An engine's curve, with what it has to share with the reference's. */
async function compared(engine: string, reference: Trained): Promise<Trained> {
  const own = engine === referenceName ? reference : await trained(engine);
  return own.curve ? { ...own, checks: checksOf(own.curve, reference.curve, options.iterations) } : own;
}

async function rowOf(engine: EngineReport, reference: Trained): Promise<Row> {
  if (!engine.available) return { engine, checks: [] };
  say(`${engine.name}: tests`);
  const suite = await runSuite(engine.name, filesFor(engine.name));
  say(`${engine.name}: ${suite.passed} passed, ${suite.failed} failed; ${options.iterations} iterations`);
  return { engine, suite, ...(await compared(engine.name, reference)) };
}

const note = useSoftwareGpu();
if (note) say(note);
const engines = await listEngines(values.engines?.split(","));
say(`${referenceName}: ${options.iterations} iterations, which the others are compared with`);
const reference = await trained(referenceName);
const rows: Row[] = [];
for (const engine of engines) rows.push(await rowOf(engine, reference));

process.stdout.write(`\n${enginesTable(rows)}\n`);
if (reference.curve) {
  const { iterations, filters, tasks, episodes } = options;
  process.stdout.write(
    `\nSecond-order MAML on conv4 (${filters} filters, glyphs of 14×14, 5 ways, 1 shot, 1 step, ${tasks} tasks): ${iterations} ` +
      `iterations from one seed, compared with ${referenceName}; accuracy on ${episodes} episodes of unseen classes\n` +
      `${curvesTable(rows, reference.curve)}\n`,
  );
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ options, rows }, null, 1)}\n`);
process.exitCode = rows.some((row) => countsOf(row).failed > 0) ? 1 : 0;
