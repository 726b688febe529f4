// `node test/dist/onnx/main.js [--record] [part of a name]`: what becomes of ONNX's node tests here, by reason and by operator;
// and recorded, what the tests hold on to.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../support/root.ts";
import { nodeCases } from "./cases.ts";
import { isNumeric, judge, passes, type Verdict } from "./judge.ts";
import { pinnedOf, sampleOf } from "./pinned.ts";
import { byOperator, byReason } from "./report.ts";

const isRecording = process.argv[2] === "--record";
const [part = ""] = process.argv.slice(isRecording ? 3 : 2);
const { version, operators, cases } = nodeCases();
const chosen = cases.filter(({ name }) => name.includes(part));
const verdicts: Verdict[] = [];
for (const one of chosen) verdicts.push(await judge(one));
const numeric = new Set(chosen.filter(isNumeric).map(({ name }) => name));
const among = verdicts.filter(({ name }) => numeric.has(name));
const count = (form: "authored" | "apart") => among.filter((verdict) => passes(verdict, form)).length;
console.log(`onnx ${version}: ${verdicts.length} cases, ${among.length} of them of numbers`);
console.log(`read: ${among.filter(({ authored }) => authored?.at !== "read").length}`);
for (const form of ["authored", "apart"] as const) console.log(`${form}: ${count(form)}`);
console.log(`evaluated: ${among.filter(({ evaluated }) => !evaluated).length}`);
console.log(byReason(among));
console.log(byOperator(among));
if (isRecording) {
  const folder = join(repository, "test/onnx/recorded");
  mkdirSync(folder, { recursive: true });
  const files = {
    "standard.json": operators,
    "node-cases.json": pinnedOf(version, cases, verdicts),
    "sample.json": sampleOf(cases, verdicts),
  };
  for (const [file, what] of Object.entries(files))
    writeFileSync(join(folder, file), `${JSON.stringify(what, null, 1)}\n`);
}
