// Repetition as ONNX has it. Loops are written, and not read.
import * as op from "../../ops/index.ts";
import { onnxOperator } from "../operator.ts";
import { writing } from "../writer/form.ts";

export const control = {
  Loop: onnxOperator({ write: writing(op.Loop, ({ attributes: { body } }, to) => to.loop(body)) }),
};
