// The door `@innerloop/native/plan`: what plans are made of and become, for whoever looks into one, as tests do.
export { readGraph } from "../read.ts";
export { atPoints } from "./at-points.ts";
export { bunched } from "./bunch/index.ts";
export { coalesced, overwritten } from "./coalesce.ts";
export { encoded } from "./encode.ts";
export { evenly } from "./evenly.ts";
export { fused, type Pass, passes } from "./fuse/index.ts";
export { inPlace } from "./fuse/join.ts";
export { lastingOf } from "./lasting.ts";
export { placesFor } from "./memory.ts";
export { moving } from "./moving.ts";
export { type Instruction, instructionsOf, type Origins, originOf } from "./origins.ts";
export { inPanels } from "./panels.ts";
export { gridOf } from "./pending.ts";
export { planFor } from "./planned.ts";
export { layoutOf, Program } from "./program.ts";
export * from "./steps.ts";
export * from "./views.ts";
