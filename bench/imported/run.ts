// `npm run bench -- imported`: models of others, read and written again, beside the originals, onnx-ad and PyTorch.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cotangents, input, readOnnx, Sidecar, type Value, writeOnnx } from "@innerloop/graph";
import { InnerloopError } from "@innerloop/schemas";
import type { OurEngine } from "../ours/engines.ts";
import { type Counts, heldOf, importedTable, type Row } from "./table.ts";

/** What is timed: the network itself, and value and gradient for its input or for its weights. */
export const importedGroups = ["forward", "input", "weights"] as const;

/** Who takes turns with ours. */
export const importedPeers = ["onnx-ad", "eager", "compile"] as const;

export interface ImportedOptions {
  readonly networks: readonly string[];
  /** Examples in a batch. */
  readonly batches: readonly number[];
  readonly threads: readonly number[];
  /** Of {@link importedGroups} and {@link importedPeers}. */
  readonly groups: readonly string[];
  readonly peers: readonly string[];
  /** What ours run on. */
  readonly engines: readonly OurEngine[];
  /** Turns of each side. */
  readonly rounds: number;
  /** After so many of them no further round of a row begins. */
  readonly seconds: number;
  /** Seconds that `torch.compile` may take for one side. */
  readonly limit: number;
  /** Whether each side's peak is taken, in a process of its own. */
  readonly memory: boolean;
  /** Where the files stay; a folder that goes unless given. */
  readonly keep?: string;
  readonly json: boolean;
}

const peer = fileURLToPath(new URL("../../imported/peer.py", import.meta.url));
/** Ours on native kernels, a process that the other one asks. */
const native = fileURLToPath(new URL("native.js", import.meta.url));
const python = process.env.INNERLOOP_PYTHON ?? "python3";
const packages = ["torch", "onnx", "onnxruntime", "onnxscript", "onnx_ad"];

/** @throws InnerloopError where Python or one of its packages is not there: every network comes of PyTorch */
function requirePython(): void {
  const { status, error, stderr } = spawnSync(python, ["-c", `import ${packages.join(", ")}`], { encoding: "utf8" });
  if (status === 0) return;
  const reason = error?.message ?? stderr.trim().split("\n").at(-1);
  throw new InnerloopError(
    "missing-package",
    `Networks of PyTorch were asked for, and ${python} does not give them (${reason}); python3 -m pip install ${packages.join(" ").replace("_", "-")}; INNERLOOP_PYTHON names another interpreter`,
  );
}

const ask = (...words: readonly (string | number)[]): string =>
  execFileSync(python, [peer, ...words.map(String)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });

/**
 * Writes what a model is here: as it was, and with the derivatives for its input or for its weights. Weights are the file's for good,
 * but where the derivative is theirs: what is to change is given with each run, as onnx-ad's files have it as well. All three have them in one file
 * beside them, as a bundle's models do.
 */
function writeOurs(folder: string, network: string): void {
  const { inputs, outputs, initializers } = readOnnx(readFileSync(join(folder, `${network}.onnx`)), network);
  const { y } = outputs;
  const { x } = inputs;
  if (!x || !y) throw new Error(`${network} has other names than x and y.`);
  const all = new Set(Object.keys(initializers));
  const weightsFile = new Sidecar(`${network}.bin`);
  const { external } = weightsFile;
  const write = (kind: string, values: Readonly<Record<string, Value>>, fixed: ReadonlySet<string>) =>
    writeFileSync(join(folder, `${network}.${kind}.onnx`), writeOnnx(values, { initializers, fixed, external }));
  write("ours", { y }, all);
  const seed = input("adj_y", y.shape);
  const slopes = (of: Readonly<Record<string, Value>>): Record<string, Value> => {
    const found = cotangents([y], [seed], Object.values(of));
    return Object.fromEntries(Object.keys(of).flatMap((name, i) => (found[i] ? [[`adj_${name}`, found[i]]] : [])));
  };
  write("ours-input", { y, ...slopes({ x }) }, all);
  const weights = Object.entries(inputs).filter(
    ([name, { dtype }]) => initializers[name] !== undefined && dtype === "float32",
  );
  const moving = new Set(weights.map(([name]) => name));
  write(
    "ours-weights",
    { y, ...slopes(Object.fromEntries(weights)) },
    new Set([...all].filter((name) => !moving.has(name))),
  );
  writeFileSync(join(folder, weightsFile.path), Buffer.concat([...weightsFile.parts()]));
}

const sides = [
  ...["original", "rewritten", "ours input", "onnx-ad input", "PyTorch input"],
  ...["ours weights", "onnx-ad weights", "PyTorch weights"],
];

/** The file of each side on native kernels. */
const nativeKinds = {
  "rewritten native": "ours",
  "ours input native": "ours-input",
  "ours weights native": "ours-weights",
};

export function imported(options: ImportedOptions): { text: string; status: 0 } {
  requirePython();
  const { rounds, seconds, limit, groups, peers: named, engines } = options;
  const folder = options.keep ?? mkdtempSync(join(tmpdir(), "innerloop-bench-"));
  mkdirSync(folder, { recursive: true });
  try {
    const rows = options.networks.flatMap((network) =>
      options.batches.flatMap((batch) => {
        process.stderr.write(`${network}, batch ${batch}\n`);
        ask("prepare", folder, network, batch, named.join());
        writeOurs(folder, network);
        const counts: Readonly<Record<string, Counts>> = JSON.parse(ask("count", folder, network, batch));
        const memory = options.memory ? memoryOf(folder, network, batch, counts, engines) : {};
        return options.threads.map(
          (threads): Row => ({
            ...{ network, batch, threads, counts, memory },
            ...JSON.parse(
              ask(
                ...([
                  "time",
                  folder,
                  network,
                  batch,
                  threads,
                  rounds,
                  seconds,
                  limit,
                  groups.join(),
                  named.join(),
                ] as const),
                ...[engines.join(), JSON.stringify([process.execPath, native])],
              ),
            ),
          }),
        );
      }),
    );
    const held = () => rows.map((row) => ({ ...row, held: heldOf(row) }));
    return { text: options.json ? JSON.stringify(held(), null, 2) : importedTable(rows), status: 0 };
  } finally {
    if (!options.keep) rmSync(folder, { recursive: true, force: true });
  }
}

/** In MiB, of every side that is there. */
function memoryOf(
  folder: string,
  network: string,
  batch: number,
  counts: Readonly<Record<string, Counts>>,
  engines: readonly OurEngine[],
): Record<string, number> {
  const present = sides.filter((side) => side in counts || side.startsWith("PyTorch"));
  const found = present.map((side) => [side, Number(JSON.parse(ask("memory", folder, network, batch, side)))]);
  const onNative = Object.entries(engines.includes("native") ? nativeKinds : {}).map(([side, kind]) => [
    side,
    Number(execFileSync(process.execPath, [native, folder, network, "1", kind], { encoding: "utf8" })),
  ]);
  return Object.fromEntries([...found, ...onNative]);
}
