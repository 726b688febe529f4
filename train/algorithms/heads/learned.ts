// A head that is meta-learned like the rest of the model.
import { constantInit } from "../../models/layers.ts";
import type { Head } from "./head.ts";

/**
 * The outer rate of a learned head, as a share of the others'. Each task draws its labels anew, so its meta-gradient is
 * nearly all noise, which Adam would scale up to full steps; for the same reason it starts at zero.
 */
const outerRate = 0.05;

export const learnedHead: Head = {
  name: "learned",
  summary: "learned weights",
  starts: "from learned weights",
  learned: true,
  parameter: (spec, task) => (task === "classification" ? { ...constantInit(spec.shape, 0), outerRate } : spec),
  features: (body) => body,
};
