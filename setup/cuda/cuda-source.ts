// Where the files of ONNX Runtime's CUDA provider come from: the vendor's download, a Python package of the same version, or a
// folder. They speak to the rest of ONNX Runtime through an interface that changes with every version.
import { createReadStream, existsSync, statSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { readNativeFile } from "@innerloop/runtime/libraries";
import { failed, wrongCall } from "../failures.ts";
import { lastLines, runProgram } from "../program.ts";
import { packageFolders, pythonIn } from "../python/python.ts";
import { installedPackages, openWheel, type PythonPackage } from "../python/wheel.ts";
import type { Work } from "../work.ts";
import type { CudaProviderPlace } from "./onnxruntime-package.ts";

const packageName = "onnxruntime-gpu";

/** Where files were found. */
export interface CudaSource {
  readonly what: string;
  /** The folders of pip's packages of NVIDIA, of the Python that the files are from. */
  readonly folders: readonly string[];
}

/**
 * Puts the provider's files into a staged copy of onnxruntime-node.
 * @param from `download`, a folder, an environment or its site-packages, a Python program, or a .whl file
 * @param staged the copy of the package; files go where they go in the package
 * @throws InnerloopError `wrong-version`, `bad-wheel`, `file-missing` (status 2), `hash-mismatch`, `network`
 */
export async function fetchProvider(
  from: string,
  place: CudaProviderPlace,
  staged: CudaProviderPlace,
  work: Work,
): Promise<CudaSource> {
  if (from === "download") return download(place, staged, work);
  const path = resolve(from);
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined) throw wrongCall("file-missing", `${from} does not exist; check the path.`);
  if (info.isFile() && /\.whl$/i.test(path)) return fromPackage(await openWheel(path), place, staged, work);
  const python = info.isFile() ? path : pythonIn(path);
  const sites = python === undefined ? [path] : await packageFolders(python, work.signal);
  for (const site of sites)
    for (const found of await installedPackages(site, /^onnxruntime-gpu$/))
      return fromPackage(found, place, staged, work);
  if (python === undefined && place.files.every((file) => existsSync(join(path, file))))
    return fromFolder(path, place, staged, work);
  throw wrongCall(
    "provider-missing",
    `${from} holds neither ${place.files.join(" and ")} nor ${packageName}; get it with ${pipCommand(place.version)}, or give another place.`,
  );
}

const pipCommand = (version: string): string => `pip install ${packageName}==${version}`;

async function fromPackage(
  found: PythonPackage,
  place: CudaProviderPlace,
  staged: CudaProviderPlace,
  work: Work,
): Promise<CudaSource> {
  const what = `${found.name} ${found.version} (${found.place})`;
  if (found.name !== packageName)
    throw wrongCall("bad-wheel", `${what} has no CUDA provider; ${packageName} has: ${pipCommand(place.version)}.`);
  if (found.version !== place.version)
    throw wrongCall(
      "wrong-version",
      `${what} does not fit onnxruntime-node ${place.version}: both have to be the same version. Get the right one with ` +
        `${pipCommand(place.version)} (or pip download --no-deps ${packageName}==${place.version} for a .whl file).`,
    );
  work.onMessage(`Copying the provider's files out of ${what} …`);
  for (const file of place.files) {
    const path = `onnxruntime/capi/${file}`;
    if (!found.files.includes(path))
      throw wrongCall("bad-wheel", `${what} has no ${path}; install it again: ${pipCommand(place.version)}.`);
    await found.copy(path, join(staged.folder, file), work.signal);
  }
  checkArchitecture(staged.provider);
  return { what, folders: nvidiaFolders(found.place) };
}

async function fromFolder(
  folder: string,
  place: CudaProviderPlace,
  staged: CudaProviderPlace,
  work: Work,
): Promise<CudaSource> {
  const [, provider] = place.files as [string, string];
  if (!(await holdsText(join(folder, provider), place.version)))
    throw wrongCall(
      "wrong-version",
      `${join(folder, provider)} is not of ONNX Runtime ${place.version}, which onnxruntime-node here is; both have to be the same version. Get the right one with ${pipCommand(place.version)}.`,
    );
  work.onMessage(`Copying the provider's files from ${folder} …`);
  for (const file of place.files) await copyFile(join(folder, file), join(staged.folder, file));
  checkArchitecture(staged.provider);
  return { what: folder, folders: [] };
}

function checkArchitecture(file: string): void {
  const arch = readNativeFile(file)?.arch;
  if (arch === process.arch) return;
  throw wrongCall(
    "bad-wheel",
    `${basename(file)} is ${arch === undefined ? "no library of Linux" : `for ${arch}`}; one for ${process.platform}-${process.arch} was expected; give another.`,
  );
}

/** Whether a file has the text as a whole C string in it: the provider names its version so. */
async function holdsText(file: string, text: string): Promise<boolean> {
  const wanted = Buffer.from(`\0${text}\0`);
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 22 })) {
    const bytes = Buffer.concat([rest, chunk as Buffer]);
    if (bytes.includes(wanted)) return true;
    rest = bytes.subarray(-wanted.length);
  }
  return false;
}

function nvidiaFolders(site: string): string[] {
  // Where each of pip's packages of CUDA 12 and of CUDA 13 has its libraries.
  const parts = ["cublas", "cuda_runtime", "cudnn", "cufft", "curand", "cuda_nvrtc", "nvjitlink", "cu13"];
  return parts.map((part) => join(site, "nvidia", part, "lib")).filter(existsSync);
}

/** Lets the package's own script download: it knows where the vendor publishes the files. */
async function download(place: CudaProviderPlace, staged: CudaProviderPlace, work: Work): Promise<CudaSource> {
  work.onMessage("Downloading the provider's files by onnxruntime-node's own script …");
  await mkdir(dirname(staged.provider), { recursive: true });
  const ended = await runProgram(process.execPath, [join(staged.package, "script", "install.js")], {
    cwd: staged.package,
    signal: work.signal,
    env: { ONNXRUNTIME_NODE_INSTALL: "cuda12" },
  });
  const what = "the vendor's download for CUDA 12";
  if (ended.status === 0 && place.files.every((file) => existsSync(join(staged.folder, file))))
    return { what, folders: [] };
  throw failed(
    "network",
    `The provider's files could not be downloaded; allow the download (a proxy goes into HTTPS_PROXY), or take them out of a Python package: ` +
      `${pipCommand(place.version)}, then innerloop setup cuda --from PYTHON. The script said:\n${lastLines(ended.stderr || ended.stdout, 4)}`,
  );
}
