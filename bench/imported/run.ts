// `npm run bench -- imported`: models of others, read and written again, beside the originals, onnx-ad and PyTorch.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cotangents, input, readOnnx, type Value, writeOnnx } from "@innerloop/graph";

/** What `networks.py` makes. */
export const importedNetworks = ["lenet", "resnet18", "mobilenet-like", "vit-tiny", "distilbert-shaped"] as const;

export interface ImportedOptions {
  readonly networks: readonly string[];
  readonly threads: readonly number[];
  /** Turns of each side. */
  readonly rounds: number;
  readonly json: boolean;
}

interface Row {
  readonly network: string;
  readonly threads: number;
  /** The largest difference from PyTorch's numbers, relative to the largest of these. */
  readonly apart: number;
  readonly milliseconds: Readonly<Record<string, number>>;
}

const peer = fileURLToPath(new URL("../../imported/peer.py", import.meta.url));
const ask = (...words: readonly (string | number)[]): string =>
  execFileSync(process.env.INNERLOOP_PYTHON ?? "python3", [peer, ...words.map(String)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });

/** Writes what a model is here: as it was, and with the derivatives for its input or for its weights. */
function writeOurs(folder: string, network: string): void {
  const { inputs, outputs, initializers } = readOnnx(readFileSync(join(folder, `${network}.onnx`)), network);
  const { y } = outputs;
  const { x } = inputs;
  if (!x || !y) throw new Error(`${network} has other names than x and y.`);
  const write = (kind: string, values: Readonly<Record<string, Value>>) =>
    writeFileSync(
      join(folder, `${network}.${kind}.onnx`),
      writeOnnx(values, { initializers, fixed: new Set(Object.keys(initializers)) }),
    );
  write("ours", { y });
  const seed = input("adj_y", y.shape);
  const slopes = (of: Readonly<Record<string, Value>>): Record<string, Value> => {
    const found = cotangents([y], [seed], Object.values(of));
    return Object.fromEntries(Object.keys(of).flatMap((name, i) => (found[i] ? [[`adj_${name}`, found[i]]] : [])));
  };
  write("ours-input", { y, ...slopes({ x }) });
  const weights = Object.entries(inputs).filter(([name]) => initializers[name] !== undefined);
  write("ours-weights", { y, ...slopes(Object.fromEntries(weights)) });
}

export function imported(options: ImportedOptions): { text: string; status: 0 } {
  const folder = mkdtempSync(join(tmpdir(), "innerloop-bench-"));
  try {
    const rows = options.networks.flatMap((network) => {
      ask("prepare", folder, network);
      writeOurs(folder, network);
      return options.threads.map((threads): Row => {
        process.stderr.write(`${network}, ${threads} threads\n`);
        return { network, threads, ...JSON.parse(ask("time", folder, network, threads, options.rounds)) };
      });
    });
    return { text: options.json ? JSON.stringify(rows, null, 2) : table(rows), status: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const ratios: readonly (readonly [of: string, to: string])[] = [
  ["rewritten", "original"],
  ["ours input", "onnx-ad input"],
  ["ours weights", "onnx-ad weights"],
  ["ours input", "PyTorch input"],
  ["ours weights", "PyTorch weights"],
];

function table(rows: readonly Row[]): string {
  const head = ["network", "threads", "forward ms", ...ratios.map(([of, to]) => `${of} ÷ ${to}`), "apart"];
  const lines = rows.map(({ network, threads, milliseconds, apart }) => {
    const of = ratios.map(([a, b]) => {
      const [ours, other] = [milliseconds[a], milliseconds[b]];
      return ours === undefined || other === undefined ? "–" : (ours / other).toFixed(2);
    });
    return [network, threads, (milliseconds.original ?? 0).toFixed(2), ...of, apart.toExponential(1)].join(" | ");
  });
  return [head.join(" | "), ...lines].join("\n");
}
