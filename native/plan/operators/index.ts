// The operators of ONNX that are computed here, each as steps of a plan.
import type { Operators } from "../plan.ts";
import { loop, scan } from "../turns.ts";
import { convolutions } from "./convolutions.ts";
import { elementwise } from "./elementwise.ts";
import { indexing } from "./indexing.ts";
import { movement } from "./movement.ts";
import { norms } from "./norms.ts";
import { pooling } from "./pooling.ts";
import { products } from "./products.ts";
import { recurrents } from "./recurrent.ts";
import { reductions } from "./reductions.ts";
import { remembering } from "./remembered.ts";
import { resize } from "./resize.ts";

const own: Operators = {
  ...elementwise,
  ...movement,
  ...products,
  ...convolutions,
  ...pooling,
  ...reductions,
  ...norms,
  ...indexing,
  ...recurrents,
  Loop: loop,
  Scan: scan,
  Resize: resize,
};

export const operators: Operators = { ...own, ...remembering(own) };
