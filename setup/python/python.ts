// Asks a Python where its packages lie, without importing any of them.
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wrongCall } from "../failures.ts";
import { runProgram } from "../program.ts";

const windows = process.platform === "win32";

/** The program of a virtual environment's folder, if it is one. */
export function pythonIn(folder: string): string | undefined {
  const names = windows ? ["Scripts/python.exe", "python.exe"] : ["bin/python", "bin/python3"];
  return names.map((name) => join(folder, name)).find(existsSync);
}

const question = `
import json, site, sys, sysconfig
folders = [sysconfig.get_path("platlib"), sysconfig.get_path("purelib"), *[p for p in sys.path if p]]
print(json.dumps(list(dict.fromkeys(folders))))`;

/**
 * The folders in which a Python looks for packages.
 * @param python a program; when not given, that of the active environment, or the system's
 * @throws InnerloopError `python-missing` (status 2)
 */
export async function packageFolders(python: string | undefined, signal: AbortSignal): Promise<string[]> {
  const active = [process.env.VIRTUAL_ENV, process.env.CONDA_PREFIX].flatMap((folder) =>
    folder ? [pythonIn(folder) ?? folder] : [],
  );
  const programs =
    python === undefined ? [...active, ...(windows ? ["py", "python"] : ["python3", "python"])] : [python];
  for (const program of programs) {
    const { status, stdout } = await runProgram(program, ["-c", question], { cwd: tmpdir(), signal });
    if (status !== 0) continue;
    try {
      return JSON.parse(lastLine(stdout)) as string[];
    } catch {
      // What answered is no Python.
    }
  }
  throw wrongCall(
    "python-missing",
    python === undefined
      ? "There is no Python here (python3 was looked for); say where yours is with --python, or give a folder or a .whl file with --from."
      : `${python} is no Python that runs; give the program of an environment, such as venv/bin/python.`,
  );
}

const lastLine = (printed: string): string => printed.trim().split("\n").at(-1) ?? "";
