// The door `@innerloop/native/plan`: what plans are made of and become, for whoever looks into one, as tests do.
export { coalesced, overwritten } from "./coalesce.ts";
export { encoded } from "./encode.ts";
export { fused, type Pass, passes } from "./fuse/index.ts";
export { inPlace } from "./fuse/join.ts";
export { placesFor } from "./memory.ts";
export { moving } from "./moving.ts";
export { gridOf } from "./pending.ts";
export * from "./steps.ts";
export * from "./views.ts";
