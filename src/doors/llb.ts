/** LLB: graphs of build steps, read, written, shown and compared. */
export type { Digest } from "../content/digest.ts";
export type { Definition } from "../llb/definition.ts";
export { decodeDefinition, encodeDefinition } from "../llb/definition.ts";
export type { LlbEdge, LlbGraph, LlbVertex } from "../llb/graph.ts";
export { loadGraph } from "../llb/graph.ts";
export { LlbError } from "../llb/llb-error.ts";
export { describeDefinition } from "../provenance/describe-definition.ts";
export { explainDifference } from "../provenance/explain-difference.ts";
