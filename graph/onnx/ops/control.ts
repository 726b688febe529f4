// Repetition and choice as ONNX has them.

import * as op from "../../ops/index.ts";
import { int, ints, written } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import { writing } from "../writer/form.ts";
import { graphAttribute } from "../writer/graphs.ts";

export const control = {
  Loop: onnxOperator({ write: writing(op.Loop, ({ attributes: { body } }, to) => to.loop(body)) }),
  Scan: onnxOperator({
    write: writing(op.Scan, ({ attributes: { body, states, scanned, reverse } }, to) => {
      const names = to.inputs();
      const own = states + scanned;
      const directions = (count: number) => new Array<number>(count).fill(1);
      const collected = body.gives.length - states;
      return {
        input: names.slice(0, own),
        attribute: [
          graphAttribute("body", to.inside(body, own, names.slice(own))),
          written("num_scan_inputs", int(), scanned),
          ...(reverse ? [written("scan_input_directions", ints(), directions(scanned))] : []),
          ...(reverse && collected > 0 ? [written("scan_output_directions", ints(), directions(collected))] : []),
        ],
      };
    }),
  }),
};
