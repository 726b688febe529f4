// `innerloop setup cuda`: the files of ONNX Runtime's CUDA provider, put beside onnxruntime-node's own. They are first tried
// in a copy of the package, in a process of its own; what was there before is kept, for --undo.
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, readFileSync } from "node:fs";
import { copyFile, cp, link, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { cudaProviderLoads, type MissingLibrary, missingLibraries, showLibraries } from "@innerloop/runtime/libraries";
import { failed, wrongCall } from "../failures.ts";
import { lastLines, runProgram } from "../program.ts";
import { exclusively, staging } from "../stacks.ts";
import { type SetupOptions, workOf } from "../work.ts";
import { fetchProvider } from "./cuda-source.ts";
import { type CudaProviderPlace, cudaProviderPlace } from "./onnxruntime-package.ts";

/** What was set up. */
export interface CudaResult {
  /** The version of ONNX Runtime. */
  readonly version: string;
  readonly from: string;
  readonly folder: string;
  readonly files: readonly string[];
  /** Whether a model ran on the GPU. */
  readonly works: boolean;
  /** ONNX Runtime's words where none did. */
  readonly reason?: string;
  readonly missing: readonly MissingLibrary[];
  /** What LD_LIBRARY_PATH has to begin with, where the libraries are a Python's. */
  readonly libraryPath?: string;
}

/** What the state file says: which files were put in place, and which of them were there before, kept in which folder. */
interface State {
  readonly files: readonly string[];
  readonly had: readonly string[];
  readonly before: string;
}

const otherwise = "call it as the user who owns that folder";

/** Where the provider's files are taken from. */
export interface CudaSources {
  /** `download`, a folder, a Python environment or its site-packages, a Python program, or a .whl file; else `python`. */
  readonly from?: string | undefined;
  /** The Python program whose packages are used; without it and `from`, the files are downloaded. */
  readonly python?: string | undefined;
  /** Put them in place even where libraries that they need are missing. */
  readonly anyway?: boolean;
}

/**
 * Puts the files of ONNX Runtime's CUDA provider in place, after they were tried in a copy of onnxruntime-node.
 * @throws InnerloopError saying what to do (status 2: `wrong-version`, `bad-wheel`, `file-missing`, `provider-missing`,
 *   `unsupported-system`; 1: `libraries-missing`, `provider-fails`, `trial-failed`, `network`, `hash-mismatch`,
 *   `onnxruntime-missing`, `disk-full`, `no-permission`, `setup-running`); the reason of the signal where that stops it. The
 *   package is then as it was
 */
export async function setupCuda(asked: CudaSources = {}, options: SetupOptions = {}): Promise<CudaResult> {
  const work = workOf(options);
  const place = placeHere();
  const from = asked.from ?? asked.python ?? "download";
  const root = join(place.package, ".innerloop");
  const install = async () => {
    await sweepBefore(root);
    const copy = await mkdtemp(join(root, staging));
    try {
      const staged = await copyPackage(place, copy);
      const source = await fetchProvider(from, place, staged, work);
      const libraryPath = source.folders.join(delimiter);
      const missing = missingLibraries(staged.provider, { also: cudaProviderLoads, folders: source.folders });
      work.onMessage("Trying them …");
      const tried = await trial(copy, libraryPath, work.signal);
      if (tried.cpu !== null)
        throw failed(
          "trial-failed",
          `With these files the processor's provider does not work any more (${tried.cpu}); nothing was changed. Give files of the same build, or install onnxruntime-node again.`,
        );
      if (tried.cuda !== null && !asked.anyway) throw refusal(tried.cuda, missing);
      await putInPlace(root, place, staged);
      return {
        version: place.version,
        from: source.what,
        folder: place.folder,
        files: place.files,
        works: tried.cuda === null,
        ...(tried.cuda === null ? {} : { reason: tried.cuda }),
        missing,
        ...(libraryPath ? { libraryPath } : {}),
      };
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  };
  return exclusively(root, install, otherwise);
}

function placeHere(): CudaProviderPlace {
  const place = cudaProviderPlace();
  if (place === undefined)
    throw failed(
      "onnxruntime-missing",
      "onnxruntime-node is not installed; install it: npm install onnxruntime-node; where that fails for want of a " +
        "download, set ONNXRUNTIME_NODE_INSTALL=skip and call it again, and then this",
    );
  const here = `${process.platform}-${process.arch}`;
  if (here === "linux-x64") return place;
  throw wrongCall(
    "unsupported-system",
    `onnxruntime-node ${place.version} takes the CUDA provider on linux-x64 only, and this is ${here}; ` +
      `${process.platform === "win32" ? "use the provider webgpu or dml, or WSL 2" : "use the provider webgpu or cpu"}.`,
  );
}

/** A copy of the package: its JavaScript, and links to its native files. It finds the packages that it needs from there. */
async function copyPackage(place: CudaProviderPlace, copy: string): Promise<CudaProviderPlace> {
  for (const part of ["package.json", "dist", "script"])
    await cp(join(place.package, part), join(copy, part), { recursive: true });
  const folder = join(copy, relative(place.package, place.folder));
  await mkdir(folder, { recursive: true });
  for (const file of readdirSync(place.folder))
    if (!place.files.includes(file)) await linkOrCopy(join(place.folder, file), join(folder, file));
  return { ...place, package: copy, folder, provider: join(folder, place.files.at(-1)!) };
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}

interface Tried {
  readonly cpu: string | null;
  readonly cuda: string | null;
}

async function trial(copy: string, libraryPath: string, signal: AbortSignal): Promise<Tried> {
  const program = fileURLToPath(new URL("./try-cuda.js", import.meta.url));
  const own = process.env.LD_LIBRARY_PATH;
  const env = libraryPath ? { LD_LIBRARY_PATH: own ? `${libraryPath}${delimiter}${own}` : libraryPath } : {};
  const ended = await runProgram(process.execPath, [program, copy], { cwd: copy, signal, env });
  if (ended.status === 0) return JSON.parse(lastLines(ended.stdout, 1)) as Tried;
  const words = ended.signal ? `it ended with ${ended.signal}` : lastLines(ended.stderr, 3);
  throw failed(
    "trial-failed",
    `onnxruntime-node does not run with these files: ${words}; nothing was changed. Give files of the same build.`,
  );
}

function refusal(words: string, missing: readonly MissingLibrary[]): Error {
  const anyway = "Nothing was changed; to put the files in place all the same, add --anyway.";
  if (missing.length === 0)
    return failed("provider-fails", `The files are right, but the provider does not start here: ${words}. ${anyway}`);
  return failed(
    "libraries-missing",
    `The files are right, but this machine lacks libraries that they need: ${showLibraries(missing)}. Install ${remediesOf(missing)}, then call it again. ${anyway}`,
  );
}

function remediesOf(missing: readonly MissingLibrary[]): string {
  const all = [...new Set(missing.map(({ remedy }) => remedy))];
  // "CUDA" alone adds nothing where its version is named too.
  const told = all.filter((line) => line !== "CUDA" || !all.some((other) => other.startsWith("CUDA ")));
  return told.length === 1 ? told[0]! : `${told.slice(0, -1).join(", ")} and ${told.at(-1)}`;
}

/**
 * Moves the files in, one after the other, each as a whole. Before the first one moves, a state file says what to take away
 * and what to put back, so that --undo is right wherever this stops.
 */
async function putInPlace(root: string, place: CudaProviderPlace, staged: CudaProviderPlace): Promise<void> {
  const earlier = readState(root);
  const pairs = place.files.map((file): [string, string] => [join(place.folder, file), join(staged.folder, file)]);
  // A repetition changes nothing, so that --undo still leads to what was there before the first time.
  if (earlier && (await allSame(pairs))) return;
  const before = await mkdtemp(join(root, kept));
  const had = place.files.filter((file) => existsSync(join(place.folder, file)));
  for (const file of had) await linkOrCopy(join(place.folder, file), join(before, file));
  await writeState(root, { files: place.files, had, before: relative(root, before) });
  for (const file of place.files) await rename(join(staged.folder, file), join(place.folder, file));
  if (earlier) await rm(join(root, earlier.before), { recursive: true, force: true });
}

/** How the folders begin in which what was there before is kept. */
const kept = "before-";

/** Clears away what a setup kept that was killed before its state file named it. */
async function sweepBefore(root: string): Promise<void> {
  const named = readState(root)?.before;
  for (const name of readdirSync(root))
    if (name.startsWith(kept) && name !== named) await rm(join(root, name), { recursive: true, force: true });
}

async function allSame(pairs: readonly (readonly [string, string])[]): Promise<boolean> {
  for (const [one, other] of pairs) if (!existsSync(one) || (await hashOf(one)) !== (await hashOf(other))) return false;
  return true;
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/**
 * Takes the files away again, or puts back those that were there before.
 * @throws InnerloopError `nothing-to-undo` (status 2)
 */
export async function undoCuda(): Promise<{ removed: string[]; restored: string[] }> {
  const place = placeHere();
  const root = join(place.package, ".innerloop");
  const takeAway = async () => {
    const state = readState(root);
    if (state === undefined)
      throw wrongCall(
        "nothing-to-undo",
        `innerloop setup cuda has put nothing into ${place.package}; there is nothing to undo.`,
      );
    const [removed, restored]: [string[], string[]] = [[], []];
    for (const file of state.files) {
      const target = join(place.folder, file);
      if (state.had.includes(file)) {
        const copy = join(root, `${file}.next`);
        await rm(copy, { force: true });
        await linkOrCopy(join(root, state.before, file), copy);
        await rename(copy, target);
        restored.push(file);
      } else {
        await rm(target, { force: true });
        removed.push(file);
      }
    }
    await rm(join(root, stateFile));
    await rm(join(root, state.before), { recursive: true, force: true });
    return { removed, restored };
  };
  return exclusively(root, takeAway, otherwise);
}

const stateFile = "cuda.json";

function readState(root: string): State | undefined {
  try {
    return JSON.parse(readFileSync(join(root, stateFile), "utf8")) as State;
  } catch {
    return undefined;
  }
}

async function writeState(root: string, state: State): Promise<void> {
  const next = join(root, `${stateFile}.next`);
  await writeFile(next, `${JSON.stringify(state)}\n`);
  await rename(next, join(root, stateFile));
}
