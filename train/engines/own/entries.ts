// The engine over kernels of our own, where they were built.
import { kernelsHere, version } from "@innerloop/native";
import { processor } from "../choose/devices.ts";
import type { EngineEntry } from "../choose/entry.ts";
import { computing, missing } from "../choose/finding.ts";
import { openNative } from "./engine.ts";
import { name } from "./program.ts";

export const native: EngineEntry = {
  name,
  strength: "kernels built for this processor",
  traits: { workers: true, everywhere: true },
  // They were tried when they were built.
  check: () =>
    kernelsHere()
      ? { available: true, ...computing(version, processor()) }
      : missing("its kernels are not built for this machine", "innerloop setup native"),
  open: openNative,
};
