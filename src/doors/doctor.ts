/** What this machine allows. Not a subpath export: it is the command's. */
export type { Diagnosis, DiagnosisRequest, MountNamespaceReport, SandboxReport, SnapshotterReport } from "../engine/diagnose.ts";
export { diagnose } from "../engine/diagnose.ts";
