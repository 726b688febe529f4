// What a stranger would add, by the list in CONTRIBUTING.md alone: an operator, an algorithm, an engine, a reader of data and a
// command. Each is the thing itself, its lines in files that are there, and what those files have to say of it.
import type { Edit } from "../support/scratch.ts";

/** One addition: its edits by path. `thing` is where it stands itself; what is edited besides is what adding it costs. */
export interface Addition {
  readonly what: string;
  readonly thing: string;
  /** The most files that it may touch, its tests and generated pages included. */
  readonly mostFiles: number;
  readonly edits: Readonly<Record<string, Edit>>;
}

/** Puts a text behind the first match, which has to be there. */
const after =
  (place: RegExp, text: string): Edit =>
  (old) => {
    if (!place.test(old)) throw new Error(`${place} is not in the file.`);
    return old.replace(place, (found) => found + text);
  };

/** A list's file with one entry more: an import before a line that is there, and a name before the end of the list's last line. */
const inList =
  (importLine: string, beforeImport: string, end: string, withEntry: string): Edit =>
  (old) => {
    for (const place of [beforeImport, end]) if (!old.includes(place)) throw new Error(`${place} is not in the file.`);
    return old.replace(beforeImport, `${importLine}\n$&`).replace(end, withEntry);
  };

/** An operator with a derivative of its own, made of others where a target lacks it. */
const operator: Addition = {
  what: "an operator",
  thing: "graph/ops/activation.ts",
  mostFiles: 3,
  edits: {
    "graph/ops/activation.ts": (old) => `${old}
const expm1 = composite({
  name: "Expm1",
  family: "elementwise",
  summary: "eˣ − 1",
  traits: { tfjs: "Expm1" },
  gradient: ({ cotangents: [g], outputs: [y] }) => [Mul(g, Add(y, 1))],
  build: ([x]: One) => Sub(Exp(x), 1),
});
export const Expm1 = applying(expm1, (x: Value): Value => apply1(expm1, [x]));
`,
    "test/graph/cases.ts": after(
      /export const cases: Record<string, Case\[\]> = \{\n/,
      "  Expm1: [{ ...on((x) => op.Expm1(x), matrix), formula: ({ data }) => Array.from(data, Math.expm1) }],\n",
    ),
  },
};

/** Only biases move: few numbers for each user, and no product is differentiated. */
const algorithm: Addition = {
  what: "an algorithm",
  thing: "train/algorithms/bias-only.ts",
  mostFiles: 2,
  edits: {
    "train/algorithms/bias-only.ts": `// Biases alone move: few numbers for each user.
import { gradientAlgorithm } from "./gradient.ts";

export const biasOnly = gradientAlgorithm({
  name: "bias-only",
  summary: "only biases move",
  paper:
    "Ben Zaken et al. 2022, BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based Masked Language-models",
  order: 2,
  moves: (parameter) => parameter.endsWith(".bias"),
  bodyMoves: true,
  head: "learned",
});
`,
    "train/algorithms/index.ts": inList(
      'import { biasOnly } from "./bias-only.ts";',
      'import { fomaml } from "./fomaml.ts";',
      "anil, prototypes]",
      "anil, biasOnly, prototypes]",
    ),
  },
};

/** An engine that says what it is asked to compute, and lets another one compute it. */
const engine: Addition = {
  what: "an engine",
  thing: "train/engines/printing.ts",
  mostFiles: 2,
  edits: {
    "train/engines/printing.ts": `// An engine that prints each graph that it is given; ONNX Runtime computes it.
import { print } from "@innerloop/graph";
import type { EngineEntry } from "./choose/entry.ts";
import type { Engine } from "./engine.ts";
import { openOnnxRuntime } from "./onnxruntime/engine.ts";

const name = "printing";

export const printing: EngineEntry = {
  name,
  strength: "what is computed can be read",
  traits: { everywhere: true },
  unwanted: () => "it is used only when it is asked for by name",
  check: () => ({ available: true, version: "1" }),
  async open(options): Promise<Engine> {
    const engine = await openOnnxRuntime({ ...options, provider: "cpu" });
    return {
      name,
      compile(graph) {
        process.stderr.write(print(Object.values(graph.outputs)));
        return engine.compile(graph);
      },
      upload: (tensor) => engine.upload(tensor),
      dispose: () => engine.dispose(),
    };
  },
};
`,
    "train/engines/choose/list.ts": inList(
      'import { printing } from "../printing.ts";',
      "import * as tfjs from",
      "  onnxruntime.coreml,\n",
      "  onnxruntime.coreml,\n  printing,\n",
    ),
  },
};

/** Rows of numbers, the last column a class. */
const reader: Addition = {
  what: "a reader of data",
  thing: "train/data/readers/sheet.ts",
  mostFiles: 2,
  edits: {
    "train/data/readers/sheet.ts": `// Rows of a CSV file: numbers, and in the last column the class.
import { readFileSync } from "node:fs";
import { InnerloopError } from "@innerloop/schemas";
import { MetaDataset } from "../episodes/dataset.ts";
import { splitOf } from "../episodes/split.ts";
import type { Reader } from "./reader.ts";

export const sheet: Reader = {
  spec: "sheet:FILE",
  summary: "a CSV file of numbers, its last column the class",
  kind: "classification",
  open(place, { heldBack, split }) {
    const lines = readText(place)
      .split(/\\r?\\n/)
      .filter((line) => line.trim() !== "");
    if (lines.length === 0)
      throw new InnerloopError("data-broken", \`\${place} is empty; rows of a CSV file were expected.\`);
    const rows = lines.map((line, i) => {
      const cells = line.split(",").map((cell) => cell.trim());
      const label = cells.pop() ?? "";
      const data = Float32Array.from(cells, Number);
      if (label !== "" && data.length > 0 && data.every(Number.isFinite)) return { label, data };
      throw new InnerloopError("data-broken", \`\${place}: line \${i + 1} is not numbers and a class; correct it.\`);
    });
    const labels = rows.map(({ label }) => label);
    const { classes } = splitOf(
      labels.map((name) => ({ name })),
      { ...split, heldBack },
    );
    return new MetaDataset(
      rows.map(({ data }) => data),
      labels,
      { ways: 2, shots: 1, queries: 1, split: classes, name: \`sheet:\${place}\` },
    );
  },
};

function readText(place: string): string {
  try {
    return readFileSync(place, "utf8");
  } catch (cause) {
    throw new InnerloopError("data-missing", \`\${place} cannot be read; a CSV file was expected; check the path.\`, {
      cause,
      exitStatus: 2,
    });
  }
}
`,
    "train/data/readers/index.ts": inList(
      'import { sheet } from "./sheet.ts";',
      "import { sinusoid } from",
      "arrays];",
      "arrays, sheet];",
    ),
  },
};

const command: Addition = {
  what: "a command",
  thing: "cli/commands/where.ts",
  mostFiles: 2,
  edits: {
    "cli/commands/where.ts": `// \`innerloop where\`: the folder that the command works in.
import { defineCommand } from "../call/command.ts";
import { printAsIs } from "../terminal/output.ts";

export const command = defineCommand({
  name: "where",
  summary: "say which folder the command works in",
  arguments: [],
  options: {},
  examples: [["where", "the folder, as a path"]],
  async run() {
    printAsIs(\`\${process.cwd()}\\n\`);
  },
});
`,
    "cli/call/command-table.ts": after(
      / {2}completion: entry\(.*\n/,
      '  where: entry("say which folder the command works in", () => import("../commands/where.ts")),\n',
    ),
  },
};

export const additions: readonly Addition[] = [operator, algorithm, engine, reader, command];
