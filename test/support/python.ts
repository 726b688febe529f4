// Python, where tests compare with it: INNERLOOP_PYTHON, or else python3.
import { spawnSync } from "node:child_process";

export const python = process.env.INNERLOOP_PYTHON ?? "python3";

/** Why Python is not here with these packages; undefined where it is. */
export function pythonLacks(...packages: readonly string[]): string | undefined {
  const { status, error, stderr } = spawnSync(python, ["-c", `import ${packages.join(", ")}`], { encoding: "utf8" });
  return status === 0 ? undefined : `${python}: ${error?.message ?? stderr.trim().split("\n").at(-1)}`;
}
