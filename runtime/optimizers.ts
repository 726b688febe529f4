// Which of ONNX Runtime's optimizers a model is opened with. They look at every node again and again: of the 3.5 thousand nodes of
// five inner steps and their derivative, those that go by rules take three quarters of the time that opening takes, and change
// nothing, since what they simplify is simple already in graphs that were written here.
import { type Field, fieldsOf, graphOf, nameOf } from "./wire.ts";

/** Models of fewer nodes open at once either way. */
const manyNodes = 500;

/** Of so many nodes, one that the rules might take away is not worth that all are looked at. */
const fewOf = 1000;

/** What the rules join with its neighbours or take away. */
const ruled = new Set([
  ...["Pad", "Clip", "Dropout", "Identity", "LabelEncoder", "Not"],
  ...["QuantizeLinear", "DequantizeLinear", "Sum", "Constant"],
]);

/** What they join with its neighbours where the file has its weight or its gain. */
const weighted = new Set(["Conv", "ConvTranspose", "BatchNormalization"]);

const rules = ["Level1_RuleBasedTransformer", "Level2_RuleBasedTransformer"];

/** What there is nothing for where no node goes by numbers of the file alone. */
const ofConstants = ["ConstantFolding", "TransposeOptimizer"];

/** To lay out so many bytes of the file otherwise costs next to nothing in each run. */
const movements = new Set(["Reshape", "Expand"]);
const fewBytes = 1 << 16;

/** Optimizers that a model needs not, as ONNX Runtime wants them named; undefined where it is to have all. */
export function needlessOptimizers(model: Uint8Array): string | undefined {
  try {
    const graph = graphOf(model);
    const tensors = partsOf(model, graph, graphInitializer);
    /** How many bytes the file has of what is stored in it. */
    const stored = new Map(tensors.map((tensor) => [nameOf(model, tensor, tensorName), tensor[3] - tensor[2]]));
    const nodes = nodesIn(model, graph);
    const simpler = nodes.filter(
      ({ operator, inputs: [, weight = ""] }) => ruled.has(operator) || (weighted.has(operator) && stored.has(weight)),
    );
    if (nodes.length < manyNodes || simpler.length > nodes.length / fewOf) return undefined;
    const folds = nodes.some(
      ({ operator, inputs }) =>
        inputs.every((name) => name === "" || stored.has(name)) &&
        !(movements.has(operator) && (stored.get(inputs[0] ?? "") ?? 0) < fewBytes),
    );
    return [...rules, ...(folds ? [] : ofConstants)].join(";");
  } catch {
    // What cannot be read ONNX Runtime refuses in its own words.
    return undefined;
  }
}

// Field numbers of onnx.proto.
const [graphNode, graphInitializer] = [1, 5];
const [nodeInput, nodeOperator, nodeAttribute] = [1, 4, 5];
const attributeGraph = 6;
const tensorName = 8;

const partsOf = (model: Uint8Array, message: Field, number: number): Field[] =>
  fieldsOf(model, message).filter((field) => field[0] === number);

interface NodeOfFile {
  readonly operator: string;
  readonly inputs: readonly string[];
}

const decoder = new TextDecoder();

/** The nodes of a graph, those of loops and branches included, but for what copies a value that a body hands on. */
function nodesIn(model: Uint8Array, graph: Field): NodeOfFile[] {
  return partsOf(model, graph, graphNode).flatMap((node) => {
    const fields = fieldsOf(model, node);
    const texts = (number: number): string[] =>
      fields.flatMap((field) => (field[0] === number ? [decoder.decode(model.subarray(field[2], field[3]))] : []));
    const inner = fields
      .filter((field) => field[0] === nodeAttribute)
      .flatMap((attribute) => partsOf(model, attribute, attributeGraph));
    const own = { operator: texts(nodeOperator)[0] ?? "", inputs: texts(nodeInput) };
    return [own, ...inner.flatMap((body) => nodesIn(model, body)).filter(({ operator }) => operator !== "Identity")];
  });
}
