// Recurrent networks whole where ONNX Runtime has them, which is in float32; else as the steps of a Scan.
import { GRU, LSTM, RNN } from "../ops/recurrent.ts";
import { lowering } from "./lower.ts";

/** Ways to compute recurrent networks in other precisions. */
export const recurrentAsSteps = [RNN, GRU, LSTM].map((entry) =>
  lowering(entry, (inputs, attributes) =>
    inputs[0].dtype === "float32" ? undefined : entry.operator.decompose?.(inputs, attributes),
  ),
);
