// The promise of the guarded loop, for learners whose graphs take long in float64.
import { describeGuarantee, guarded } from "./guarantee-suite.ts";
import { large } from "./learners.ts";

for (const [name, learner] of guarded) if (large.includes(name)) describeGuarantee(name, learner);
