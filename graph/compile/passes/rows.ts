// The pass `rows`: of what is read in part alone those rows are computed that something reads.
import { neededRows, rowsName } from "../../transforms/needed-rows.ts";
import type { Pass } from "../pass.ts";

export const rows: Pass = {
  name: rowsName,
  why: "Who answers from one token of a transformer reads one row of what its last layer gives. Of that layer keys and values are needed for all tokens; queries, attention, the product behind it and everything after that for one; where few ask, neither keys nor values are multiplied out, but the query by their weights, and by the tokens then. What takes some rows goes up past whatever makes each row of the same row of what it reads, to where all rows are needed. Before derivatives are taken it is done as well, so that they are of those rows too; what stands beside them, as the answer itself, then becomes the same nodes.",
  everywhere: true,
  run: (outputs) => neededRows(outputs),
};
