// Said once and first, since an older Node fails later, at whatever it does not know.
import { InnerloopError } from "@innerloop/schemas/bundle";

/** @throws InnerloopError `node-too-old`. */
export function refuseOldNode(version: string): void {
  const [major, minor] = version.split(".").map(Number) as [number, number];
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new InnerloopError(
    "node-too-old",
    `this is Node ${version}; @innerloop/runtime needs Node 20.19, 22.12 or newer`,
  );
}
