// Everyone who takes part in `peers`: how each is started, and which column of the goals it counts for.
import { fileURLToPath } from "node:url";
import { InnerloopError } from "@innerloop/schemas";
import type { Workload } from "../workloads.ts";
import { SideProcess } from "./process.ts";

export interface Side {
  readonly name: string;
  /** `eager`: PyTorch without compiling; `compiled`: of which the best counts; `other`: shown beside. */
  readonly group: "eager" | "compiled" | "other";
  /** Where it comes from, for who does not have it. */
  readonly install: string;
  start(threads: number): SideProcess;
}

// The Python programs stay beside their sources; this file runs compiled, from dist/sides.
const script = (name: string) => fileURLToPath(new URL(`../../peers/${name}`, import.meta.url));
const program = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const python = (name: string, args: readonly string[]) =>
  new SideProcess(process.env.INNERLOOP_PYTHON ?? "python3", [script(name), ...args], { PYTHONDONTWRITEBYTECODE: "1" });

const pip = (packages: string) => `python3 -m pip install ${packages}; INNERLOOP_PYTHON names another interpreter`;
const torch = (name: string, group: Side["group"]): Side => ({
  name,
  group,
  install: pip("torch numpy"),
  start: () => python("torch_peer.py", [name]),
});
const node = (name: string, path: string): Side => ({
  name,
  group: "other",
  install: "npm ci",
  start: () => new SideProcess(process.execPath, [program(path)]),
});

/**
 * Ours, in a process as every other.
 * @param fresh `cold`: it finds no session that an earlier process kept
 * @param root the folder of a built benchmark, where it is not this one
 */
export const startOurs = (fresh?: Workload["fresh"], root?: string): SideProcess =>
  new SideProcess(
    process.execPath,
    [root ? `${root}/dist/ours/program.js` : program("../ours/program.js")],
    fresh === "cold" ? { INNERLOOP_CACHE: "off" } : {},
  );

export const peers: readonly Side[] = [
  torch("eager", "eager"),
  torch("learn2learn", "other"),
  torch("compile", "compiled"),
  torch("vmap", "compiled"),
  {
    name: "jax",
    group: "compiled",
    install: pip("jax numpy"),
    start: (threads) => python("jax_peer.py", [String(threads)]),
  },
  {
    name: "onnx-ad",
    group: "other",
    install: pip("onnx-ad onnxruntime onnx numpy"),
    start: () => python("onnx_ad_peer.py", []),
  },
  node("tfjs", "../peers/tfjs.js"),
  node("jax-js", "../peers/jax-js.js"),
];

/** @throws InnerloopError `unknown-peer` */
export function peersNamed(names: readonly string[]): Side[] {
  return names.map((name) => {
    const found = peers.find((side) => side.name === name);
    if (found) return found;
    throw new InnerloopError(
      "unknown-peer",
      `The peer "${name}" was asked for; known are ${peers.map((side) => side.name).join(", ")}; choose among them.`,
      { exitStatus: 2 },
    );
  });
}
