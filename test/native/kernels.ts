// The kernels that tests run, built once for all of them: in a folder of their own beside other caches, under a name that tells sources apart.
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildKernels, type Kernels, kernelsFile, loadKernels } from "@innerloop/native";
import { beforeEach } from "vitest";
import { temporaryFolder } from "../support/folders.ts";

const folder = join(tmpdir(), "innerloop-test-kernels");

async function built(): Promise<string | undefined> {
  const file = kernelsFile(folder);
  if (existsSync(file)) return file;
  try {
    return (await buildKernels({ folder })).file;
  } catch (cause) {
    if ((cause as { readonly code?: string }).code === "compiler-missing") return undefined;
    throw cause;
  }
}

/** The kernels' file; nothing where there is no compiler to build them. */
export const builtFile = await built();

/** Kernels in C, likewise. */
export const kernelsInC: Kernels | undefined = builtFile === undefined ? undefined : loadKernels(builtFile);

/** Why a test that needs them is skipped. */
export const missing = "no C compiler here to build the kernels";

/** Kernels in C, for the tests of the file or the group that asks for them: those are skipped where there is no compiler. */
export function testKernels(): Kernels {
  beforeEach(({ skip }) => skip(!kernelsInC, missing));
  return kernelsInC as Kernels;
}

/** A program that stands in for a compiler. */
export function compiler(body: string): string {
  const file = join(temporaryFolder("compiler"), "cc");
  writeFileSync(file, `#!/bin/sh\ncase "$1" in --version) exit 0;; esac\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** One that gives what was built already. */
export const copying = (): string =>
  compiler(`for last; do :; done; case "$last" in *.node) cp '${builtFile}' "$last";; esac`);
