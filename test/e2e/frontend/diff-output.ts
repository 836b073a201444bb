import { onlyOutput, type Output, type StepDetails, type Vertex } from "../../../src/llb/vertex.ts";

/** What has to be laid over `lower` to get `upper`. */
export function diffOutput(lower: Output, upper: Output, details: StepDetails): Output {
  const inputs = [lower, upper];
  const vertex: Vertex = {
    inputs: () => inputs,
    compose: (context) => ({
      op: { inputs: inputs.map((tree) => context.input(tree)), op: { case: "diff", value: { lower: { input: 0n }, upper: { input: 1n } } }, constraints: {} },
      details,
      capabilities: ["diffop"],
    }),
  };
  return onlyOutput(vertex);
}
