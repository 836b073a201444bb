import { onlyOutput, type Output, type StepDetails, type Vertex } from "./vertex.ts";

/** The trees laid over each other, later ones on top. Empty trees change nothing and are left out. */
export function mergeOutput(trees: ReadonlyArray<Output | undefined>, details: StepDetails): Output | undefined {
  const inputs = trees.filter((tree) => tree !== undefined);
  if (inputs.length < 2) return inputs[0];
  const vertex: Vertex = {
    inputs: () => inputs,
    compose: (context) => ({
      op: {
        inputs: inputs.map((tree) => context.input(tree)),
        op: { case: "merge", value: { inputs: inputs.map((_tree, at) => ({ input: BigInt(at) })) } },
        constraints: {},
      },
      details,
      capabilities: ["mergeop"],
    }),
  };
  return onlyOutput(vertex);
}
