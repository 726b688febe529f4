// Repetition as ONNX has it. Loops are written, and not read.
import { isBody } from "../../core/value.ts";
import { onnxOperator } from "../operator.ts";

export const control = {
  Loop: onnxOperator({
    write: ({ attributes: { body } }, to) => {
      if (!isBody(body)) throw new Error("Loop cannot be written: it has no body.");
      return to.loop(body);
    },
  }),
};
