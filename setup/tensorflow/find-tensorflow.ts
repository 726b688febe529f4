// Finds the TensorFlow that a user has from pip: its C library, its headers, and for one with CUDA the libraries of NVIDIA.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { readNativeFile } from "@innerloop/runtime/libraries";
import { wrongCall } from "../failures.ts";
import { packageFolders, pythonIn } from "../python/python.ts";
import { openWheel, type PythonPackage } from "../python/wheel.ts";

/** A TensorFlow to build against. */
export interface FoundTensorFlow {
  /** What it is, in words. */
  readonly what: string;
  /** The folder with the two libraries, and below it `include`. */
  readonly folder: string;
  /** Whether the folder is inside the stack, not the user's. */
  readonly unpacked: boolean;
  /** Whether it is built for NVIDIA GPUs. */
  readonly cuda: boolean;
  /** The libraries of NVIDIA that came with it by pip, each after those that it needs. */
  readonly nvidia: readonly string[];
}

/** The libraries of TensorFlow's C interface, as pip's packages have them. */
export const tensorFlowLibraries: readonly string[] =
  process.platform === "darwin"
    ? ["libtensorflow_cc.2.dylib", "libtensorflow_framework.2.dylib"]
    : ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];

const [library] = tensorFlowLibraries as [string, string];
const buildInfo = "python/platform/build_info.py";

const advice =
  "install one with pip install tensorflow-cpu (processor) or pip install 'tensorflow[and-cuda]' (NVIDIA GPU, Linux)";

/**
 * Finds TensorFlow.
 * @param from a .whl file, a site-packages or a tensorflow folder, an environment or a Python program; when not given, the
 *   Python `python`, or the one in use
 * @param staging where a .whl file's libraries and headers are unpacked, in the folder `tensorflow`
 * @throws InnerloopError `tensorflow-missing`, `bad-wheel`, `python-missing` (status 2), `hash-mismatch`
 */
export async function findTensorFlow(
  from: string | undefined,
  python: string | undefined,
  staging: string,
  signal: AbortSignal,
): Promise<FoundTensorFlow> {
  if (from === undefined) return inPython(python, signal);
  const place = resolve(from);
  const info = statSync(place, { throwIfNoEntry: false });
  if (info === undefined) throw wrongCall("file-missing", `${from} does not exist; check the path.`);
  if (info.isFile() && /\.whl$/i.test(place)) return fromWheel(place, python, staging, signal);
  if (info.isFile()) return inPython(place, signal);
  const folder = [place, join(place, "tensorflow")].find((candidate) => existsSync(join(candidate, library)));
  if (folder !== undefined) return inFolder(folder);
  const program = pythonIn(place);
  if (program !== undefined) return inPython(program, signal);
  throw wrongCall(
    "tensorflow-missing",
    `${from} holds no ${library}; give a Python environment, its site-packages or tensorflow folder, or a .whl file of TensorFlow 2.10 or newer.`,
  );
}

async function inPython(python: string | undefined, signal: AbortSignal): Promise<FoundTensorFlow> {
  const folders = (await packageFolders(python, signal)).map((site) => join(site, "tensorflow"));
  const folder = folders.find((candidate) => existsSync(join(candidate, library)));
  if (folder !== undefined) return inFolder(folder);
  const other = folders.find(existsSync);
  throw wrongCall(
    "tensorflow-missing",
    other === undefined
      ? `${python ?? "The Python in use"} has no TensorFlow; ${advice}, or say where it is with --from or --python, or take the stock package with --from stock.`
      : `${other} holds no ${library}, which TensorFlow has since 2.10; ${advice} there.`,
  );
}

function inFolder(folder: string): FoundTensorFlow {
  checkArchitecture(join(folder, library));
  const cuda = isForCuda(read(join(folder, buildInfo)));
  return {
    what: `TensorFlow in ${folder}`,
    folder,
    unpacked: false,
    cuda,
    nvidia: cuda ? nvidiaLibraries(join(dirname(folder), "nvidia")) : [],
  };
}

/** The headers that tfjs-node's addon reads, and those that they read. */
const headers = /^tensorflow\/include\/(tensorflow\/(c|core\/platform)|tsl|xla\/tsl|external)\/.*\.h$/;

async function fromWheel(
  file: string,
  python: string | undefined,
  staging: string,
  signal: AbortSignal,
): Promise<FoundTensorFlow> {
  const wheel: PythonPackage = await openWheel(file);
  if (!wheel.files.includes(`tensorflow/${library}`))
    throw wrongCall(
      "bad-wheel",
      `${basename(file)} holds ${wheel.name} ${wheel.version} and no ${library}; give a wheel of tensorflow-cpu or tensorflow, 2.10 or newer.`,
    );
  const wanted = tensorFlowLibraries.map((name) => `tensorflow/${name}`);
  for (const path of [...wanted, ...wheel.files.filter((name) => headers.test(name))]) {
    signal.throwIfAborted();
    await wheel.copy(path, join(staging, path), signal);
  }
  const cuda = isForCuda(await wheel.text(`tensorflow/${buildInfo}`).catch(() => ""));
  const sites = cuda && python !== undefined ? await packageFolders(python, signal) : [];
  return {
    what: `TensorFlow ${wheel.version} out of ${file}`,
    folder: join(staging, "tensorflow"),
    unpacked: true,
    cuda,
    nvidia: sites.flatMap((site) => nvidiaLibraries(join(site, "nvidia"))),
  };
}

function checkArchitecture(file: string): void {
  const arch = readNativeFile(file)?.arch;
  if (arch === undefined || arch === process.arch) return;
  throw wrongCall(
    "bad-wheel",
    `${file} is for ${arch}, and Node here is ${process.arch}; give a TensorFlow for ${process.arch}, or run a Node for ${arch}.`,
  );
}

const isForCuda = (info: string): boolean => /'is_cuda_build',\s*True/.test(info);

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** What TensorFlow opens by name when it starts a GPU, in an order in which each finds what it needs itself. */
const opened = [
  "cudart",
  "nvJitLink",
  "cublasLt",
  "cublas",
  "cufft",
  "curand",
  "cusparse",
  "cusolver",
  "nvrtc",
  "cudnn",
];

/** The libraries in the folders of pip's packages of NVIDIA, `nvidia/<part>/lib`. */
function nvidiaLibraries(folder: string): string[] {
  const list = (place: string) => (existsSync(place) ? readdirSync(place).map((name) => join(place, name)) : []);
  const files = list(folder).flatMap((part) => list(join(part, "lib")));
  return [...opened, "nccl", "cupti"].flatMap((name) =>
    files.filter((file) => new RegExp(`^lib${name}\\.so\\.\\d+$`).test(basename(file))),
  );
}
