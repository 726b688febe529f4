// The door of the room, for tests: what measurements mean, without taking any.
export { interleave, type Pair, quantile, type Summary, summarize } from "./contender.ts";
export type { PeerResult } from "./peers/torch.ts";
export {
  type CheckRow,
  checkTable,
  differenceOf,
  equalWithin,
  isMet,
  noiseOf,
  type PeerRow,
  peersTable,
  verdictOf,
} from "./report.ts";
export { familyOf, type MeasureOptions, measure, type Row, type Sample } from "./shifts/measure.ts";
export { shiftsReport, summaryOf } from "./shifts/report.ts";
export { dataOf, learnerOf, workloads } from "./workloads.ts";
