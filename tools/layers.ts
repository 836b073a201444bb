/**
 * Which folder may import which. This is the architecture; ARCHITECTURE.md explains it.
 * Adding a name to a row is a design change and is reviewed as one.
 */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  // Values and the outside world: import nothing of ours. proto/ holds what is generated from our .proto files.
  content: [],
  host: [],
  proto: [],
  template: [],
  pattern: [],
  // Vocabularies: pure.
  oci: ["content"],
  llb: ["content", "proto"],
  progress: ["content"],
  scrub: [],
  grpc: ["proto"],
  sbom: ["content", "oci"],
  session: ["archive", "content", "host", "pattern", "proto"],
  provenance: ["content", "llb", "oci", "scrub"],
  solver: ["content", "progress"],
  // Mechanisms: each does one kind of work.
  archive: ["content", "host"],
  syscall: ["host"],
  namespace: ["host", "syscall"],
  git: ["archive", "content", "host", "scrub"],
  store: ["content", "host"],
  registry: ["archive", "content", "host", "oci"],
  snapshot: ["archive", "content", "host", "namespace", "oci", "pattern", "store", "syscall"],
  sandbox: ["content", "host", "namespace", "snapshot", "syscall"],
  trust: ["content", "host"],
  history: ["archive", "content", "host", "progress", "proto", "snapshot", "syscall", "template"],
  upkeep: ["content", "history", "host", "snapshot", "source", "store", "syscall", "template"],
  source: ["archive", "content", "git", "host", "oci", "progress", "registry", "session", "snapshot", "store"],
  cache: ["content", "host", "oci", "registry", "snapshot", "solver", "store"],
  rebuild: ["archive", "content"],
  proxy: ["content", "host", "scrub"],
  policy: ["content", "template"],
  // Stages of a build.
  frontend: ["content", "llb", "oci", "pattern", "progress", "scrub"],
  bridge: ["archive", "content", "frontend", "grpc", "host", "llb", "oci", "progress", "proto"],
  ops: ["archive", "content", "host", "llb", "namespace", "oci", "pattern", "progress", "provenance", "proxy", "sandbox", "session", "snapshot", "solver", "source", "store"],
  export: ["archive", "content", "host", "oci", "progress", "registry", "session", "snapshot", "store"],
  trace: ["archive", "content", "oci", "provenance", "registry", "template", "trust"],
  evidence: ["content", "export", "host", "oci", "progress", "provenance", "registry", "scrub", "trace"],
  // Composition, and the two doors.
  engine: ["archive", "bridge", "cache", "content", "export", "frontend", "git", "grpc", "history", "host", "llb", "namespace", "oci", "ops", "pattern", "policy", "progress", "proto", "provenance", "proxy",
    "rebuild", "registry", "sandbox", "sbom", "scrub", "session", "snapshot", "solver", "source", "store", "syscall", "trust", "upkeep"],
  rpc: ["content", "engine", "host", "llb", "progress", "proto", "session"],
  // The public doors, one file for each subpath export; what the package promises is what they export.
  doors: ["content", "engine", "evidence", "frontend", "history", "host", "llb", "oci", "progress", "provenance", "rebuild", "registry", "rpc", "scrub", "session", "store", "template", "trace", "trust", "upkeep"],
  // The command is the first user of the doors.
  cli: ["doors", "host", "progress"],
  // Fakes and generators. Imported by tests only.
  testing: ["archive", "content", "host", "oci", "provenance", "registry", "sandbox", "sbom", "session", "snapshot", "solver", "store", "trace"],
};
