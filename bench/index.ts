// The door of the room, for tests: what measurements mean, without taking any.
export { interleave, type Pair, pairsOf, quantile, type Summary, summarize, takeTurns } from "./contender.ts";
export { heldOf, importedTable, type Row as ImportedRow } from "./imported/table.ts";
export type { Result } from "./ours/result.ts";
export { comparisonsOf, goalsTable, memoryOf, type PeerRow, type PeerTimes, peersTable } from "./peers/report.ts";
export { flameGraph, folded, stacksOf } from "./profile/flame.ts";
export { grouped, lineOf } from "./profile/run.ts";
export { subjectOf } from "./profile/subject.ts";
export { type NodeTime, productOf } from "./profile/trace.ts";
export { differenceOf, equalWithin, verdictOf } from "./report.ts";
export { exponentOf } from "./scale/fit.ts";
export { familyOf, type MeasureOptions, measure, type Row, type Sample } from "./shifts/measure.ts";
export { shiftsReport, summaryOf } from "./shifts/report.ts";
export { handProduct, isPossible } from "./wasm/kernel.ts";
export { type Case, dataOf, learnerOf, workloadNamed, workloadNames } from "./workloads.ts";
