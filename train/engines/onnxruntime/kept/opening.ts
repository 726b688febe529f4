// Opening a program and, where it is to be kept, keeping it as ONNX Runtime has optimized it: that takes most of the time that
// opening takes, and is the same in every process.
import { rm } from "node:fs/promises";
import type { Device, DeviceSession } from "@innerloop/runtime/session";
import type { ProgramBytes } from "../../engine.ts";
import { adopt, cacheFolder, placeIn } from "./store.ts";

/** @throws InnerloopError as {@link Device.open} */
export async function openAndKeep(
  device: Device,
  { bytes, optimized = false, keepAs }: ProgramBytes,
  frugal: boolean,
): Promise<DeviceSession> {
  const folder = keepAs === undefined ? undefined : cacheFolder();
  const place = folder === undefined ? undefined : await placeIn(folder);
  if (folder === undefined || keepAs === undefined || place === undefined)
    return device.open(bytes, { optimized, frugal });
  try {
    const session = await device.open(bytes, { saveTo: place, frugal });
    await adopt(folder, keepAs, place);
    return session;
  } catch {
    // A disk that is full is no reason not to train; what is wrong with the model itself is said again.
    await rm(place, { force: true }).catch(() => undefined);
    return device.open(bytes, { frugal });
  }
}
