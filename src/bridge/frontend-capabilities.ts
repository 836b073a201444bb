/** What of LLBBridge we serve, by BuildKit's names; a frontend looks before it asks. */
export const FRONTEND_CAPABILITIES: readonly string[] = [
  "solve.base",
  "solve.inlinereturn",
  "resolveimage",
  "resolveimage.resolvemode",
  "readfile",
  "return",
  "returnmap",
  "readdir",
  "statfile",
  "importcaches",
  "proto.refarray",
  "reference.output",
  "frontend.inputs",
  "gateway.solve.metadata",
  "frontend.caps",
  "gateway.solve.evaluate",
  "gateway.evaluate",
  "gateway.warnings",
  "reference.attestations",
  "source.metaresolver",
];

/** The same of containers that a frontend opens, where there can be any. */
export const CONTAINER_CAPABILITIES: readonly string[] = [
  "gateway.exec",
  "gateway.exec.extrahosts",
  "gateway.exec.secretenv",
  "gateway.exec.signals",
];
