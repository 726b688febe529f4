// `innerloop tune-machine`: measures what forms of operators cost here, so that training takes the cheaper ones.
import { access, constants, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder, replaceFile } from "@innerloop/runtime/files";
import { InnerloopError, type MachineCosts } from "@innerloop/schemas";
import type { TunedCase } from "@innerloop/setup";
import type { TunedEngine } from "@innerloop/train";
import { defineCommand, didYouMean, wrongCall } from "../call/command.ts";
import { columns } from "../terminal/layout.ts";
import { print, printJson, startProgress } from "../terminal/output.ts";

/** Those of {@link TunedEngine}; named here so that help loads no engine. */
const tunable = ["onnxruntime:cpu", "tfjs:tfjs-node", "tfjs:wasm"] as const satisfies readonly TunedEngine[];

export const command = defineCommand({
  name: "tune-machine",
  summary: "measure which forms of convolutions are quick here, so that training takes these: about a minute",
  notes: async () => [
    "Each form is timed beside the usual one, in turns, by the processor's time, of which the least counts, so that other programs " +
      "change little. Rates that are fitted to these times say what any size costs; a form is taken where it saves 7 % or more. What " +
      "was measured before, or what the package brings, stays where it chooses about as well, so that measuring again changes nothing.",
    "What was measured holds for this processor, this engine and this version of it, each of which has a file of its own; without it " +
      "training goes by what the package brings. A file that --out names counts where it lies under the usual name in the cache.",
    "With --check nothing is written: it says what is lost, beside the quicker form of each size, where forms are chosen by what the " +
      "package brings, by what was measured before, and by what was measured now.",
  ],
  arguments: [],
  options: {
    engine: {
      type: "text",
      what: "what computes: onnxruntime:cpu, or an engine of TensorFlow.js on the processor",
      completes: { words: tunable },
      otherwise: "onnxruntime:cpu",
    },
    out: {
      type: "text",
      what: "the file that is written",
      completes: "paths",
      otherwise: "a file for this processor in the cache",
    },
    check: { type: "switch", what: "measure and compare; write nothing" },
    json: { type: "switch", what: "what was measured as JSON on stdout" },
  },
  examples: [
    ["tune-machine", "once on a machine that trains much"],
    ["tune-machine --engine tfjs:wasm", "for training without native code"],
  ],
  async run({ engine: name = "onnxruntime:cpu", out, check = false, json = false }) {
    const engine = tunable.find((each) => each === name);
    if (engine === undefined)
      throw wrongCall(
        "bad-option",
        `--engine is ${name}; forms are timed on ${tunable.join(", ")}${didYouMean(name, tunable) || "."}`,
      );
    const [{ tuneMachine }, { machineFile, machineHere, shippedMachine }] = await Promise.all([
      import("@innerloop/setup"),
      import("@innerloop/train"),
    ]);
    if (check && out !== undefined)
      throw wrongCall(
        "bad-option",
        "--check and --out were given; with --check nothing is written: leave one of them out.",
      );
    const file = out ?? machineFile(engine);
    if (!check && file === undefined)
      throw wrongCall("missing-option", "INNERLOOP_CACHE is off, so that there is no place for it; give --out FILE.");
    // What cannot be written is said before a minute has gone.
    if (!check) await writing(file!, () => mayWrite(file!));
    const [here, shipped] = [before(() => machineHere(engine)), shippedMachine(engine)];
    const progress = await startProgress("Measuring");
    const { machine, cases, kept } = await tuneMachine({
      engine,
      onProgress: (share) => progress.update(share, ""),
      known: check ? [] : [here, shipped && { machine: shipped }].flatMap((each) => each?.machine.forms ?? []),
    }).finally(() => progress.stop());
    if (check) {
      await compare(engine, machine, cases, json);
      return;
    }
    const text = new TextEncoder().encode(`${JSON.stringify(machine, null, 2)}\n`);
    await writing(file!, () => replaceFile(file!, text));
    if (json) {
      printJson({ file, kept, machine, cases });
      return;
    }
    const native = cases.filter((each) => each.native);
    const rows = cases.map(({ name, ratio, native }) => [name, ratio.toFixed(2), native ? "native" : "columns"]);
    print(columns([["timed", "native ÷ columns", "taken"], ...rows]));
    const forms = Object.values(machine.forms).flatMap(({ columns, native }) => [columns, native]);
    const errors = forms.map(({ error }) => 100 * error);
    print(`Of ${cases.length} sizes ${native.length} are native.`);
    print(
      kept
        ? "Costs that were known before choose about as well, and stay."
        : `The rates are off by ${Math.min(...errors).toFixed(0)} to ${Math.max(...errors).toFixed(0)} % (medians).`,
    );
    print(`Written: ${file}`);
  },
});

/** What was measured before; nothing where its file is damaged, since it is written anew. */
function before<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof InnerloopError) return undefined;
    throw error;
  }
}

/** What is lost by the costs that there are. */
async function compare(
  engine: TunedEngine,
  machine: MachineCosts,
  cases: readonly TunedCase[],
  json: boolean,
): Promise<void> {
  const [{ lossBy }, { machineHere, shippedMachine }] = await Promise.all([
    import("@innerloop/setup"),
    import("@innerloop/train"),
  ]);
  const [shipped, here] = [shippedMachine(engine), before(() => machineHere(engine))];
  const known = [
    ...(shipped ? [{ costs: "of the package", loss: lossBy(shipped.forms, cases) }] : []),
    ...(here?.from === "measured" ? [{ costs: "measured before", loss: lossBy(here.machine.forms, cases) }] : []),
    { costs: "measured now", loss: lossBy(machine.forms, cases) },
  ];
  if (json) {
    printJson({ losses: known, machine, cases });
    return;
  }
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const rows = known.map(({ costs, loss }) => [
    costs,
    percent(loss.mean),
    percent(loss.most),
    loss.most > 0 ? loss.worst : "",
  ]);
  print(columns([["costs", "mean loss", "most", "where"], ...rows]));
  print(`Over ${cases.length} sizes, beside the quicker form of each.`);
}

/** Makes the folder of a file, if it is not there, and throws where the file cannot be written. */
async function mayWrite(file: string): Promise<void> {
  await makeFolder(dirname(file));
  await access(dirname(file), constants.W_OK);
  const there = await stat(file).catch(() => undefined);
  if (there && !there.isFile()) throw new Error("it is no ordinary file");
}

async function writing(file: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    throw new InnerloopError(
      "write-failed",
      `${file} could not be written: ${(cause as Error).message}; give another file with --out`,
      { cause },
    );
  }
}
