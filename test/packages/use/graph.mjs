// A gradient, computed and written as ONNX, in a project that has @innerloop/graph alone.
import { evaluate, grad, input, op } from "@innerloop/graph";

const x = input("x", [3]);
const [slope] = grad(op.ReduceSum(op.Mul(x, x), { keepdims: false }), [x]);
const [{ data }] = evaluate([slope], { x: { shape: [3], data: [1, 2, 3] } });
if (String([...data]) === "2,4,6") console.log("used");
