// The heads: one line each.
import { registry } from "../../registry.ts";
import { learnedHead } from "./learned.ts";
import { prototypesHead } from "./prototypes.ts";
import { zeroHead } from "./zero.ts";

export type { Head } from "./head.ts";

export const heads = registry("head", [learnedHead, zeroHead, prototypesHead]);
