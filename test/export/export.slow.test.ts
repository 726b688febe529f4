// The export of learners that take long.
import { describeExport } from "./export-suite.ts";
import { large, learners } from "./learners.ts";

for (const name of large) describeExport(name, learners[name]!);
