// `npm run soak -- --minutes M --callers N --seed S`: many callers for as long; status 1 for a wrong answer or for what is left.
import { parseArgs } from "node:util";
import { growth, soak } from "./soak.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    callers: { type: "string", default: "8" },
    seed: { type: "string", default: "1" },
  },
});
const [minutes, callers, seed] = [values.minutes, values.callers, values.seed].map(Number) as [number, number, number];

const report = await soak({ minutes, callers, seed, say: console.log });
const calls = Object.entries(report.calls).map(([act, count]) => `${act} ${count}`);
console.log(`\n${report.rounds} rounds of ${callers} callers: ${calls.join(", ")}`);
console.log(
  `${report.compared} answers compared, ${report.wrong.length} wrong; ${report.aborted} calls aborted, ` +
    `${report.disposedUnder} on learners that another had disposed of`,
);
for (const what of report.wrong.slice(0, 20)) console.log(`wrong: ${what}`);
const left = growth(report.held);
console.log(left.length === 0 ? "memory, handles and threads are flat" : left.join("\n"));
process.exitCode = report.wrong.length + left.length > 0 ? 1 : 0;
