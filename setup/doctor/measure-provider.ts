// How fast a provider adapts a bundle, measured for a moment in a process of its own.
import { measureInChild } from "@innerloop/train";

/** What is measured, in words. */
export const measuredAdaptation =
  "a provider's are adaptations of conv4 (64 filters) to 5 images of 5 classes by 5 steps";

/**
 * Adaptations a second on a provider.
 * @param seconds how long they are counted, after the first
 * @throws InnerloopError `child-failed` or `child-late`
 */
export const measureProvider = (name: string, seconds = 2): Promise<number> =>
  measureInChild(new URL("./measure-child.js", import.meta.url), name, seconds);
