// What works here is found out, and a source that is not there is refused.
import { examine, setupTensorFlow } from "@innerloop/setup";

const { auto, autoProvider } = await examine();
const refused = await setupTensorFlow({ from: "nowhere" }).catch(({ code }) => code);
if (auto !== null && autoProvider !== null && /^(file-missing|unsupported-system)$/.test(refused)) console.log("used");
