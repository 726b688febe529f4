// Which of ONNX Runtime's optimizers a model is opened with. Those that go by rules look at every node again and again: of
// the 3.3 thousand nodes of five inner steps and their derivative they take four fifths of the time that opening takes, and
// change nothing, since what they simplify is simple already in graphs that were written here.
import { type Field, fieldsOf, graphOf, nameOf } from "./wire.ts";

/** Models of fewer nodes open at once either way. */
const manyNodes = 500;

/** What the rules join with its neighbours or take away. A model that has one of them is opened with the rules. */
const ruled = new Set([
  ...["Conv", "ConvTranspose", "BatchNormalization", "Pad", "Clip", "Dropout", "Identity", "LabelEncoder", "Not"],
  ...["QuantizeLinear", "DequantizeLinear", "Sum", "Constant"],
]);

const rules = "Level1_RuleBasedTransformer;Level2_RuleBasedTransformer";

/** Optimizers that a model needs not, as ONNX Runtime wants them named; undefined where it is to have all. */
export function needlessOptimizers(model: Uint8Array): string | undefined {
  try {
    const operators = operatorsIn(model, graphOf(model));
    return operators.length >= manyNodes && !operators.some((name) => ruled.has(name)) ? rules : undefined;
  } catch {
    // What cannot be read ONNX Runtime refuses in its own words.
    return undefined;
  }
}

// Field numbers of onnx.proto.
const graphNode = 1;
const nodeOperator = 4;
const nodeAttribute = 5;
const attributeGraph = 6;

/** The operators of the nodes of a graph, those of loops and branches included, but for what copies a value that a body hands on. */
function operatorsIn(model: Uint8Array, graph: Field): string[] {
  const parts = (message: Field, number: number) => fieldsOf(model, message).filter((field) => field[0] === number);
  return parts(graph, graphNode).flatMap((node) => {
    const inner = parts(node, nodeAttribute).flatMap((attribute) => parts(attribute, attributeGraph));
    const within = inner.flatMap((body) => operatorsIn(model, body)).filter((name) => name !== "Identity");
    return [nameOf(model, node, nodeOperator), ...within];
  });
}
