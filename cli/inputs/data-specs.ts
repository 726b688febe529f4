// How the SPECs of data begin, for shells.

/** What is written in place of a path ends where the path begins: `images:`. */
export async function dataSpecs(): Promise<readonly string[]> {
  const { TASK_SPECS } = await import("@innerloop/train");
  return TASK_SPECS.map((spec) => spec.replace(/:.*$/, ":"));
}
