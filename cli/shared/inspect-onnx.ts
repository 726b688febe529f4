// What `inspect` tells of an .onnx file before any work: what is in it, what of it cannot be read, which weights a gradient
// reaches, and what a run and a step of training take.
import type { Model, Problem, transform } from "@innerloop/graph";
import { InnerloopError, sizeOf } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import { columns } from "../terminal/layout.ts";
import { duration, kilobytes, resultStyle, resultWidth } from "../terminal/output.ts";

export interface InspectOptions {
  /** Whether the graph is shown. */
  readonly graph: boolean;
  /** Whether it is told what the compiler makes of the graph. */
  readonly passes: boolean;
  /** The pass of which the graph is shown before and after. */
  readonly pass?: string | undefined;
  /** What derivatives are taken of; the first output of floats unless given. */
  readonly of?: string | undefined;
  /** What open sizes are taken to be. */
  readonly sizes: Readonly<Record<string, number>>;
}

interface Found {
  readonly data: unknown;
  readonly text: string;
}

const heading = (text: string): string => resultStyle("bold", text);
const table = (rows: readonly (readonly string[])[]): string => columns(rows, { right: false, width: resultWidth() });

/** Looks at a model. @throws InnerloopError where it is no ONNX model, and for a name or a size that it does not have */
export async function inspectOnnx(file: string, bytes: Uint8Array, options: InspectOptions): Promise<Found> {
  const { decodeModel, onnx: format } = await import("@innerloop/schemas/onnx");
  const decoded = decodeModel(bytes, file);
  const listed = listing(file, bytes, decoded, format);
  const { print: printGraph, readModel, surveyOnnx, transform: by } = await import("@innerloop/graph");
  const { filesBeside } = await import("@innerloop/runtime/files");
  const files = filesBeside(file);
  let model: ReturnType<typeof readModel>;
  try {
    model = readModel(decoded, file, { files });
  } catch (error) {
    if (options.graph || options.passes || options.pass !== undefined || !(error instanceof InnerloopError))
      throw error;
    const problems = problemsOf(() => surveyOnnx(bytes, file, { files }), error);
    return { data: { ...listed.data, notRead: problems }, text: [listed.text, notReadText(problems)].join("\n\n") };
  }
  const learned = learning(by, model, options);
  const compiled =
    options.passes || options.pass !== undefined
      ? await (await import("./inspect-passes.ts")).inspectPasses(Object.values(model.outputs), options.pass)
      : undefined;
  const data = { ...listed.data, notRead: [], notes: model.notes, ...learned.data, ...compiled?.data };
  const text = [listed.text, ...model.notes, learned.text, ...(compiled ? [compiled.text] : [])].join("\n\n");
  if (!options.graph) return { data, text };
  const graph = printGraph(Object.values(model.outputs));
  return { data: { ...data, graph }, text: [text, `${heading("graph")}\n${graph.trimEnd()}`].join("\n\n") };
}

/** Every node that cannot be read; the error, where it is about none of them. */
function problemsOf(survey: () => readonly Problem[], error: InnerloopError): readonly Problem[] {
  try {
    const found = survey();
    if (found.length > 0) return found;
  } catch {
    // What the survey stops at is what reading stopped at.
  }
  return [{ node: "", operator: "", opset: 0, message: error.message, advice: "" }];
}

function notReadText(problems: readonly Problem[]): string {
  const rows = problems.map(({ node, operator, opset, message, advice }) => [
    operator === "" ? "the model" : `${operator}, opset ${opset}`,
    node,
    advice === "" ? message : `${message}: ${advice}`,
  ]);
  return `${heading(`${problems.length} ${problems.length === 1 ? "node" : "nodes"} that cannot be read`)}\n${table(rows)}`;
}

/** What is in a file, whether or not it can be read. */
function listing(file: string, bytes: Uint8Array, model: onnx.ModelProto, format: typeof onnx) {
  const { graph: body } = model as unknown as { graph: onnx.GraphProto };
  const initialized = new Map((body.initializer ?? []).map((tensor) => [tensor.name ?? "", tensor]));
  const typeText = (value: onnx.IValueInfoProto): string => {
    const tensor = value.type?.tensorType;
    const dims = (tensor?.shape?.dim ?? []).map((dim) => dim.dimParam || Number(dim.dimValue));
    const name = format.TensorProto.DataType[tensor?.elemType ?? 0] ?? "?";
    return `${name.toLowerCase()} [${dims.join(", ")}]`;
  };
  const inputs = (body.input ?? []).map((info) => ({
    name: info.name ?? "",
    type: typeText(info),
    optional: initialized.has(info.name ?? ""),
  }));
  const outputs = (body.output ?? []).map((info) => ({ name: info.name ?? "", type: typeText(info) }));
  const operators = countOperators(body);
  const initializers = extentOf([...initialized.values()]);
  const constants = extentOf(constantTensors(body));
  const opsets = Object.fromEntries(
    (model.opsetImport ?? []).map((imported) => [imported.domain || "ai.onnx", Number(imported.version)]),
  );
  const metadata = Object.fromEntries((model.metadataProps ?? []).map((entry) => [entry.key ?? "", entry.value ?? ""]));
  const data = {
    kind: "onnx",
    irVersion: Number(model.irVersion),
    opsets,
    producer: `${model.producerName ?? ""} ${model.producerVersion ?? ""}`.trim(),
    inputs,
    outputs,
    operators,
    initializers,
    constants,
    metadata,
  };
  const opsetText = Object.entries(opsets)
    .map(([domain, opset]) => `${domain} ${opset}`)
    .join(", ");
  const counts = Object.entries(operators);
  const lines = [
    heading(`${file}: ${body.name || "a model"}, ${kilobytes(bytes.length)}`),
    `  ${opsetText}, IR version ${data.irVersion}${data.producer ? `, by ${data.producer}` : ""}`,
    "",
    heading("inputs"),
    table(inputs.map((port) => [port.name, port.type, port.optional ? "optional" : ""])),
    "",
    heading("outputs"),
    table(outputs.map((port) => [port.name, port.type])),
    "",
    heading(`${counts.reduce((sum, [, count]) => sum + count, 0)} operators`),
    `  ${counts.map(([name, count]) => `${name} ${count}`).join(", ")}`,
    "",
    heading("initializers"),
    `  ${extentText(initializers)}`,
    ...(constants.count > 0 ? [`  ${extentText(constants)} in Constant nodes`] : []),
    ...(Object.keys(metadata).length > 0 ? ["", heading("metadata")] : []),
    table(Object.entries(metadata).map(([key, text]) => [key, text.length > 80 ? `${text.slice(0, 79)}…` : text])),
  ];
  return { data, text: lines.join("\n").trimEnd() };
}

interface Extent {
  readonly count: number;
  readonly numbers: number;
}

const extentOf = (tensors: readonly onnx.ITensorProto[]): Extent => ({
  count: tensors.length,
  numbers: tensors.reduce((total, { dims }) => total + sizeOf((dims ?? []).map(Number)), 0),
});

const extentText = ({ count, numbers }: Extent): string =>
  `${count} ${count === 1 ? "array" : "arrays"}, ${numbers.toLocaleString("en")} numbers`;

/** Arrays that are in nodes: PaddlePaddle's exporter stores weights nowhere else. */
const constantTensors = ({ node = [] }: onnx.IGraphProto): onnx.ITensorProto[] =>
  (node ?? []).flatMap(({ opType, domain, attribute }) =>
    opType === "Constant" && !domain ? (attribute ?? []).flatMap(({ t }) => t ?? []) : [],
  );

/** How often each operator occurs, in bodies of Loop and the like too; the most frequent first. */
function countOperators(graph: onnx.IGraphProto): Record<string, number> {
  const counts = new Map<string, number>();
  const visit = ({ node = [] }: onnx.IGraphProto): void => {
    for (const { domain, opType, attribute } of node ?? []) {
      const name = domain && domain !== "ai.onnx" ? `${domain}.${opType}` : (opType ?? "");
      counts.set(name, (counts.get(name) ?? 0) + 1);
      for (const { g } of attribute ?? []) if (g) visit(g);
    }
  };
  visit(graph);
  return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)));
}

/** The most weights that are listed one by one. */
const mostListed = 40;

/** Which inputs and weights the gradient of an output reaches, and what a step takes. */
function learning(by: typeof transform, model: Model, { of, sizes }: InspectOptions): { data: object; text: string } {
  const floats = Object.entries(model.outputs).filter(([, { dtype }]) => /^float/.test(dtype));
  const output = of ?? floats[0]?.[0];
  if (output === undefined)
    return { data: { gradient: null }, text: "No output has floats, so that there is nothing to differentiate." };
  const found = by.reach(model, output).map((entry) => ({
    ...entry,
    shape: model.inputs[entry.name]?.shape ?? [],
    weight: model.initializers[entry.name] !== undefined,
  }));
  const weights = found.filter(({ weight }) => weight);
  const reached = weights.filter(({ reached }) => reached);
  const numbers = (list: typeof weights) => list.reduce((sum, { shape }) => sum + sizeOf(shape as number[]), 0);
  const rows = [...found].sort((a, b) => Number(a.reached) - Number(b.reached));
  const shown = rows.slice(0, mostListed);
  const more = rows.length - shown.length;
  const cost = costs(() => by.costOf(model, output, sizes));
  const lines = [
    heading(
      `the gradient of "${output}" reaches ${reached.length} of ${weights.length} weights, ${numbers(reached).toLocaleString("en")} of ${numbers(weights).toLocaleString("en")} numbers`,
    ),
    table(
      shown.map(({ name, shape, reached, weight, why }) => [
        name,
        `[${shape.join(", ")}]`,
        weight ? "weight" : "input",
        reached ? "" : `not reached: "${output}" ${why}`,
      ]),
    ),
    ...(more > 0 ? [`  and ${more} more that it reaches`] : []),
    "",
    ...cost.lines,
  ];
  return { data: { gradient: { of: output, by: found }, cost: cost.data }, text: lines.join("\n").trimEnd() };
}

/** Arithmetic of a core of an ordinary machine in a second. */
const flopsASecond = 2e10;

function costs(estimate: () => ReturnType<(typeof transform)["costOf"]>) {
  let found: ReturnType<typeof estimate>;
  try {
    found = estimate();
  } catch (error) {
    if (!(error instanceof InnerloopError) || error.exitStatus === 2) throw error;
    return { data: null, lines: [`What it takes cannot be estimated: ${error.message}`] };
  }
  const assumed = Object.entries(found.sizes).map(([name, size]) => `${name}=${size}`);
  const row = (what: string, { bytes, flops }: ReturnType<typeof estimate>["forward"]) => {
    const seconds = flops / flopsASecond;
    const time = seconds < 1 ? `${Math.max(1, Math.round(1000 * seconds))} ms` : duration(seconds);
    return [what, `${kilobytes(bytes)} at once`, `${(flops / 1e9).toPrecision(3)} GFLOP`, `about ${time} on a core`];
  };
  const lines = [
    heading(`what it takes${assumed.length > 0 ? `, with ${assumed.join(", ")}` : ""}`),
    table([
      ["weights", kilobytes(found.weights)],
      row("a run", found.forward),
      ...(found.step ? [row("with the gradient by all weights", found.step)] : []),
    ]),
  ];
  return { data: found, lines };
}
