// How fast a provider adapts a bundle, measured for a moment in a process of its own.
import { runInChild } from "@innerloop/train";

/** What is measured, in words. */
export const measuredAdaptation =
  "a provider's are adaptations of conv4 (64 filters) to 5 images of 5 classes by 5 steps";

/** How long one measurement may take at most, in seconds. */
const patience = 60;

/**
 * Adaptations a second on a provider.
 * @param seconds how long they are counted, after the first
 * @throws InnerloopError `child-failed` or `child-late`
 */
export async function measureProvider(name: string, seconds = 2): Promise<number> {
  const module = new URL("./measure-child.js", import.meta.url);
  return runInChild<number>(module, [name, String(seconds)], { seconds: patience });
}
