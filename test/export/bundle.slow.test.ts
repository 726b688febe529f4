// What a bundle computes, for learners whose graphs take long in float64.
import { describeBundle } from "./bundle-suite.ts";
import { large, learners } from "./learners.ts";

for (const name of large) describeBundle(name, learners[name]!);
