// A head that starts at zero for any number of classes.
import { zeroHead as zeros } from "@innerloop/graph";
import type { Head } from "./head.ts";

export const zeroHead: Head = {
  name: "zero",
  summary: "zero",
  starts: "at zero",
  learned: false,
  features: (body) => body,
  start: (_, hot, count) => zeros(count, hot),
};
