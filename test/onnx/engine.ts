// A node test on an engine of the trainer: what it gives for a graph that was read.
import { type OnnxModel, readOnnx, topological } from "@innerloop/graph";
import { ELEMENT_TYPES, InnerloopError, isNumeric, type Tensor } from "@innerloop/schemas";
import type { Engine } from "@innerloop/train";
import type { CaseTensor, NodeCase } from "./cases.ts";
import { byChance } from "./judge.ts";
import { difference, numbersOf } from "./numbers.ts";

/** The most axes that TensorFlow.js has, and the types of files that it has, or has more of. */
const mostAxes = 6;
const held: ReadonlySet<string> = new Set(["float32", "int32", "int64", "bool", "int8", "uint8"]);

/** Whether sizes of a model are known before its numbers are, as TensorFlow.js plans a graph. */
const isPlanned = ({ outputs }: OnnxModel): boolean =>
  !topological(Object.values(outputs)).some(({ attributes: { fresh } }) => Array.isArray(fresh) && fresh.length > 0);

/** Whether TensorFlow.js can hold a case: its types, whole numbers of 32 bits, up to six axes, and sizes that no numbers tell. */
export function canHold(test: NodeCase): boolean {
  const fits = [...test.inputs, ...test.outputs].every((given) => {
    if (given.name === "") return true;
    const { type, shape, data } = numbersOf(given);
    const isSmall = ELEMENT_TYPES[type].kind === "float" || data.every((x) => Math.abs(x) < 2 ** 31);
    return held.has(type) && isSmall && shape.length <= mostAxes;
  });
  if (!fits) return false;
  try {
    return isPlanned(readOnnx(test.model, test.name));
  } catch {
    return true;
  }
}

/** A tensor of the dtype that graphs have for the type of a file. */
function tensorOf(given: CaseTensor): Tensor {
  const { type, shape, data } = numbersOf(given);
  const dtype = isNumeric(type) ? ELEMENT_TYPES[type].dtype : undefined;
  switch (dtype) {
    case "float32":
      return { dtype, shape, data: Float32Array.from(data) };
    case "float64":
      return { dtype, shape, data };
    case "int64":
    case "int32":
      return { dtype: "int32", shape, data: Int32Array.from(data) };
    case "int8":
      return { dtype, shape, data: Int8Array.from(data) };
    case "uint8":
    case "bool":
      return { dtype, shape, data: Uint8Array.from(data) };
    default:
      throw new Error(`no tensors of ${dtype} are fed.`);
  }
}

/** What is wrong with what an engine gives for a case, in words; undefined where nothing is. */
export async function onEngine(engine: Engine, test: NodeCase): Promise<string | undefined> {
  let model: OnnxModel;
  try {
    model = readOnnx(test.model, test.name);
  } catch (error) {
    return said("read", error);
  }
  try {
    const wanted = test.outputs.filter(({ name }) => name !== "");
    const program = await engine.compile({ outputs: model.outputs, initializers: model.initializers });
    const known = new Set(program.inputs.map(({ name }) => name));
    const feeds = test.inputs.filter(({ name }) => known.has(name)).map((given) => [given.name, tensorOf(given)]);
    const results = await program.run(Object.fromEntries(feeds));
    await program.dispose();
    for (const output of wanted) {
      const { shape, data } = results[output.name]!;
      const got = { shape, data: Float64Array.from(data as ArrayLike<number>, Number) };
      const expected = numbersOf(output);
      const off = difference(
        { rtol: Math.max(test.rtol, 1e-3), atol: Math.max(test.atol, 1e-5) },
        expected,
        got,
        byChance(test),
      );
      if (off) return `numbers: ${output.name}: ${off}`;
    }
    return undefined;
  } catch (error) {
    return said("run", error);
  }
}

const said = (at: string, error: unknown): string =>
  `${at}: ${error instanceof InnerloopError ? error.code : "error"}: ${error instanceof Error ? error.message : String(error)}`;
