// `innerloop tune-machine`: measures what forms of operators cost here, so that training takes the cheaper ones.
import { dirname } from "node:path";
import { makeFolder, replaceFile } from "@innerloop/runtime/files";
import { InnerloopError, type MachineCosts } from "@innerloop/schemas";
import type { TunedCase } from "@innerloop/setup";
import { defineCommand, wrongCall } from "../call/command.ts";
import { columns } from "../terminal/layout.ts";
import { print, printJson, startProgress } from "../terminal/output.ts";

export const command = defineCommand({
  name: "tune-machine",
  summary: "measure which forms of convolutions are quick here, so that training takes these: about a minute",
  notes: async () => [
    "Each form is timed beside the usual one, in turns, by the processor's time, of which the least counts, so that other programs " +
      "change little; a form is taken where the model that is fitted to these times says that it saves a quarter or more. What was " +
      "measured holds for this processor and this version of ONNX Runtime; without it training goes by what the package brings.",
    "With --check nothing is written: it says what is lost, beside the quicker form of each size, where forms are chosen by what the " +
      "package brings, by what was measured before, and by what was measured now.",
  ],
  arguments: [],
  options: {
    out: { type: "text", what: "the file that is written", completes: "paths", otherwise: "machine.json in the cache" },
    check: { type: "switch", what: "measure and compare; write nothing" },
    json: { type: "switch", what: "what was measured as JSON on stdout" },
  },
  examples: [["tune-machine", "once on a machine that trains much"]],
  async run({ out, check = false, json = false }) {
    const [{ tuneMachine }, { machineFile }] = await Promise.all([
      import("@innerloop/setup"),
      import("@innerloop/train"),
    ]);
    if (check && out !== undefined)
      throw wrongCall(
        "bad-option",
        "--check and --out were given; with --check nothing is written: leave one of them out.",
      );
    const file = out ?? machineFile();
    if (!check && file === undefined)
      throw wrongCall("missing-option", "INNERLOOP_CACHE is off, so that there is no place for it; give --out FILE.");
    const progress = await startProgress("Measuring");
    const { machine, cases } = await tuneMachine((share) => progress.update(share, "")).finally(() => progress.stop());
    if (check) {
      await compare(machine, cases, json);
      return;
    }
    await keep(file!, `${JSON.stringify(machine, null, 2)}\n`);
    if (json) {
      printJson({ file, machine, cases });
      return;
    }
    const native = cases.filter((each) => each.native);
    const rows = cases.map(({ name, ratio, native }) => [name, ratio.toFixed(2), native ? "native" : "columns"]);
    print(columns([["timed", "native ÷ columns", "taken"], ...rows]));
    const errors = Object.entries(machine.forms).map(
      ([name, { native }]) => `${name} ${(100 * native.error).toFixed(0)} %`,
    );
    print(`Of ${cases.length} sizes ${native.length} are native. The model is off by (median): ${errors.join(", ")}.`);
    print(`Written: ${file}`);
  },
});

/** What is lost by the costs that there are. */
async function compare(machine: MachineCosts, cases: readonly TunedCase[], json: boolean): Promise<void> {
  const [{ lossBy }, { machineHere, shippedMachine }] = await Promise.all([
    import("@innerloop/setup"),
    import("@innerloop/train"),
  ]);
  const [shipped, before] = [shippedMachine(), machineHere()];
  const known = [
    ...(shipped ? [{ costs: "of the package", loss: lossBy(shipped.forms, cases) }] : []),
    ...(before?.from === "measured" ? [{ costs: "measured before", loss: lossBy(before.machine.forms, cases) }] : []),
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

async function keep(file: string, text: string): Promise<void> {
  try {
    await makeFolder(dirname(file));
    await replaceFile(file, new TextEncoder().encode(text));
  } catch (cause) {
    throw new InnerloopError(
      "write-failed",
      `${file} could not be written: ${(cause as Error).message}; give another file with --out`,
      { cause },
    );
  }
}
