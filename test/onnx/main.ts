// `node test/dist/onnx/main.js [part of a name]`: what becomes of ONNX's node tests here, by reason and by operator.
import { writeFileSync } from "node:fs";
import { nodeCases } from "./cases.ts";
import { isNumeric, judge, passes, type Verdict } from "./judge.ts";
import { byOperator, byReason } from "./report.ts";

const [part = "", out] = process.argv.slice(2);
const { version, cases } = nodeCases();
const chosen = cases.filter(({ name }) => name.includes(part));
const verdicts: Verdict[] = [];
for (const test of chosen) verdicts.push(await judge(test));
const numeric = new Set(chosen.filter(isNumeric).map(({ name }) => name));
const among = verdicts.filter(({ name }) => numeric.has(name));
const count = (list: readonly Verdict[], form: "authored" | "apart") => list.filter((v) => passes(v, form)).length;
const read = (list: readonly Verdict[]) => list.filter(({ authored }) => authored?.at !== "read").length;
console.log(`onnx ${version}: ${verdicts.length} cases, ${among.length} of them numeric`);
console.log(`read: ${read(verdicts)}, ${read(among)}`);
for (const form of ["authored", "apart"] as const)
  console.log(`${form}: ${count(verdicts, form)}, ${count(among, form)} of the numeric`);
console.log(`evaluated: ${verdicts.filter(({ evaluated }) => !evaluated).length}`);
console.log(byReason(among));
console.log(byOperator(among));
if (out) writeFileSync(out, JSON.stringify(verdicts, null, 1));
