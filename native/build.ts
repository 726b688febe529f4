// Builds the kernels with the machine's own compiler, for its own processor. The file's name says for what: one that was built
// on another machine, or from other sources, is never opened.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { InnerloopError } from "@innerloop/schemas/bundle";
import { costsFile, costsFrom, costsOf, trials } from "./costs.ts";
import type { Costs } from "./plan/costs.ts";
import { processor } from "./processor.ts";

/** The version of Node-API that the kernels speak: that of the oldest Node that Innerloop runs on. */
const nodeApi = 8;

/** Beside this file in the repository, one folder up from what the compiler makes of it. */
const sources = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "source/" : "../source/", import.meta.url));

/** Written out what a compiler may do with numbers: products and sums in one rounding, and no care for flags that nobody reads. */
const arithmetic = ["-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"];

/** How the folders begin in which something is being built, and how long they may be there. */
const staging = ".building-";
const patience = 24 * 3600 * 1000;

/** Milliseconds in which costs are measured. */
const measuring = 150;

/** Where kernels are kept: `kernels` in `INNERLOOP_HOME`, or in `.innerloop` in the user's home folder. */
const kernelsFolder = (): string => join(process.env.INNERLOOP_HOME || join(homedir(), ".innerloop"), "kernels");

/** The file of this machine's kernels, which may not be there. */
export function kernelsFile(folder = kernelsFolder()): string {
  const hash = createHash("sha256").update(JSON.stringify([nodeApi, arithmetic]));
  for (const name of sourceFiles("ch")) hash.update(`${name}\n`).update(readFileSync(join(sources, name)));
  return join(folder, `${machine()}-${hash.digest("hex").slice(0, 20)}.node`);
}

/** Machines with other processors may have their kernels in the same folder. */
const machine = (): string => {
  const hash = createHash("sha256").update(JSON.stringify(processor()));
  return `${process.platform}-${process.arch}-${hash.digest("hex").slice(0, 8)}`;
};

/** Kernels of this machine that are no longer used: of other sources. Whoever has loaded one goes on with it when it is taken away. */
export function oldKernels(folder = kernelsFolder()): string[] {
  const current = kernelsFile(folder);
  const [own, whole] = [`${machine()}-`, `${process.platform}-${process.arch}-`];
  // An earlier release did not tell machines apart.
  const isOld = (name: string) =>
    (name.startsWith(own) && name.endsWith(".node")) ||
    (name.startsWith(whole) && /^[0-9a-f]{20}\.node$/.test(name.slice(whole.length)));
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter(isOld)
    .map((name) => join(folder, name))
    .filter((path) => path !== current);
}

/** The sources' names that end in one of some letters, in the order of the alphabet. */
const sourceFiles = (ends: string): string[] =>
  readdirSync(sources)
    .filter((name) => ends.includes(name.split(".").pop()!))
    .sort();

/** Settings of {@link buildKernels}. */
export interface BuildOptions {
  /** Where the file is put. Without it: `kernels` in `INNERLOOP_HOME`, or in `.innerloop` in the user's home folder. */
  readonly folder?: string;
  /** The C compiler. Without it: the one that `CC` names, or the first of cc, gcc and clang. */
  readonly cc?: string;
  /** Ends the work. */
  readonly signal?: AbortSignal;
}

/** What was built. */
export interface Built {
  readonly file: string;
  readonly compiler: string;
  /** What moving numbers takes with them. */
  readonly costs: Costs;
}

/**
 * Builds the kernels. What is in the file's place is replaced once the new one is whole and was tried; until then it stays.
 * @throws InnerloopError `compiler-missing`, `build-failed`, `disk-full`, `no-permission`
 */
export async function buildKernels({ folder = kernelsFolder(), cc, signal }: BuildOptions = {}): Promise<Built> {
  signal?.throwIfAborted();
  const compiler = await compilerHere(cc, signal);
  const file = kernelsFile(folder);
  let staged: string | undefined;
  try {
    await mkdir(folder, { recursive: true });
    await sweep(folder);
    staged = await mkdtemp(join(folder, staging));
    const made = join(staged, "kernels.node");
    await compile(compiler, made, signal);
    const costs = costsFrom(await tryOut(compiler, made, signal), costsOf(file));
    const written = join(staged, "costs.json");
    await writeFile(written, JSON.stringify(costs));
    // Whoever finds the kernels finds their costs.
    await rename(written, costsFile(file));
    await rename(made, file);
    return { file, compiler, costs };
  } catch (cause) {
    throw diskFailure(cause, folder);
  } finally {
    if (staged !== undefined) await rm(staged, { recursive: true, force: true });
  }
}

async function compile(compiler: string, to: string, signal: AbortSignal | undefined): Promise<void> {
  const headers = join(dirname(createRequire(import.meta.url).resolve("node-api-headers/package.json")), "include");
  const darwin = process.platform === "darwin";
  const args = [
    ...["-std=gnu11", "-O3", ...(await forThisProcessor(compiler, signal)), ...arithmetic],
    ...["-fPIC", "-pthread", "-fvisibility=hidden", `-DNAPI_VERSION=${nodeApi}`, "-w", `-I${headers}`],
    ...(darwin ? ["-bundle", "-undefined", "dynamic_lookup"] : ["-shared"]),
    ...sourceFiles("c").map((name) => join(sources, name)),
    ...["-lm", "-o", to],
  ];
  const { status, words } = await program(compiler, args, signal);
  if (status === 0) return;
  if (/No space left on device/.test(words)) throw Object.assign(new Error(words), { code: "ENOSPC" });
  throw failed(
    "build-failed",
    `${compiler} could not build the kernels; GCC 9, Clang 10 or a newer one of either is needed (update it, or name another by CC). Without kernels everything works, on ONNX Runtime alone. It said:\n${firstLines(words)}`,
  );
}

/** What makes the compiler use all that the processor has. Which of the two names it knows differs by compiler and processor. */
async function forThisProcessor(compiler: string, signal: AbortSignal | undefined): Promise<string[]> {
  const empty = ["-E", "-x", "c", "/dev/null"];
  for (const flag of process.arch === "arm64" ? ["-mcpu=native", "-march=native"] : ["-march=native"])
    if ((await program(compiler, [flag, ...empty], signal)).status === 0) return [flag];
  return [];
}

/** Opens and runs what was built in a process of its own: a file that the system refuses, or that ends the process, is never put in place. Gives the times of {@link trials}. */
async function tryOut(compiler: string, file: string, signal: AbortSignal | undefined): Promise<readonly number[]> {
  const script = `const memory = new ArrayBuffer(4096);
const kernels = require(process.argv[1]);
const skipped = kernels.misaligned(memory);
// 2 + 3: a chain of one function, whose numbers are words.
const code = Int32Array.of(2, 14, 1, 1, 0, 1, 1, -1, -2, -1, 1, 16, 1, 0, 0, 2, 0x40000000, 0x40400000);
code[1] = code.length;
const given = kernels.run(code, memory, skipped);
if (given !== 0 || new Float32Array(memory, skipped)[16] !== 5) throw new Error("2 + 3 is not 5 with them");
const timed = JSON.parse(process.argv[2]).map(({ words, size, count }) => {
  // As large as those of models are, for which the system has large pages: how small ones happen to lie in caches changes times.
  const memory = new ArrayBuffer(2 ** 23 + 4 * size);
  const skipped = kernels.misaligned(memory);
  new Float32Array(memory, skipped, size).fill(0.5);
  const code = Int32Array.from(words);
  let least = Infinity;
  const once = () => {
    const begun = performance.now();
    if (kernels.run(code, memory, skipped, 1) !== 0) throw new Error("they refuse a program");
    least = Math.min(least, (performance.now() - begun) / count);
  };
  return { once, least: () => least };
});
const end = performance.now() + ${measuring};
// In turns, so that what else the machine does is the same for all.
do for (const { once } of timed) once(); while (performance.now() < end);
console.log(JSON.stringify(timed.map(({ least }) => least())));`;
  const given = JSON.stringify(trials());
  const { status, words } = await program(process.execPath, ["-e", script, file, given], signal);
  if (status === 0) return JSON.parse(words);
  throw failed(
    "build-failed",
    `The kernels that ${compiler} built do not work here; try another compiler (name it by CC). Without kernels everything works, on ONNX Runtime alone. It said:\n${firstLines(words)}`,
  );
}

async function compilerHere(asked = process.env.CC, signal?: AbortSignal): Promise<string> {
  if (process.platform === "win32")
    throw failed(
      "compiler-missing",
      "Kernels are built on Linux and macOS, not on Windows; everything works without them, on ONNX Runtime alone. For kernels, use the Windows Subsystem for Linux.",
    );
  for (const compiler of asked ? [asked] : ["cc", "gcc", "clang"])
    if ((await program(compiler, ["--version"], signal)).status === 0) return compiler;
  const how =
    process.platform === "darwin"
      ? "xcode-select --install"
      : "apt install gcc (Debian, Ubuntu), dnf install gcc (Fedora, RHEL) or apk add gcc musl-dev (Alpine)";
  throw failed(
    "compiler-missing",
    asked
      ? `The C compiler ${asked} does not run; name another by CC, or unset it.`
      : `There is no C compiler here (cc, gcc and clang were looked for); install one: ${how}. Without it everything works, on ONNX Runtime alone.`,
  );
}

/** How a program ended, undefined where there is none, and what it said. */
function program(
  file: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<{ readonly status: number | undefined; readonly words: string }> {
  const env = { ...process.env, LC_ALL: "C", ELECTRON_RUN_AS_NODE: "1" };
  return new Promise((resolve, reject) => {
    execFile(file, args, { env, maxBuffer: 2 ** 26, ...(signal && { signal }) }, (error, stdout, stderr) => {
      if (signal?.aborted) return reject(signal.reason);
      if (!error) return resolve({ status: 0, words: stdout });
      if (typeof error.code === "string") return resolve({ status: undefined, words: error.message });
      resolve({ status: error.code ?? 1, words: stderr || stdout || `ended by ${error.signal}` });
    });
  });
}

/** Clears away what builds left that were killed. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(staging)) continue;
    const path = join(folder, name);
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > patience) await rm(path, { recursive: true, force: true });
  }
}

const firstLines = (text: string, count = 12): string => text.trimEnd().split("\n").slice(0, count).join("\n");

const failed = (code: string, message: string, cause?: unknown): InnerloopError =>
  new InnerloopError(code, message, { cause });

function diskFailure(cause: unknown, folder: string): unknown {
  const { code = "", path = folder } = (cause ?? {}) as NodeJS.ErrnoException;
  if (["ENOSPC", "EDQUOT", "EFBIG"].includes(code))
    return failed("disk-full", `The disk of ${folder} is full; make room, then build the kernels again.`, cause);
  if (["EACCES", "EPERM", "EROFS"].includes(code))
    return failed(
      "no-permission",
      `${path} may not be written; make it yours, or set INNERLOOP_HOME to a folder that is.`,
      cause,
    );
  if (["ENOTDIR", "EEXIST"].includes(code))
    return failed(
      "no-folder",
      `${folder} cannot be made, a file is in its way; move that, or set INNERLOOP_HOME to another folder.`,
      cause,
    );
  return cause;
}
