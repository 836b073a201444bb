import {
  defaultCredentials, type EvidenceForms, loadRegistryConfig, openRegistryClient, parseReference, probeRegistry, type RegistryProbe,
} from "../doors/registry.ts";
import type { CommandIo } from "./command.ts";

/** What `stemma doctor` tells of one registry. */
export interface RegistryReport {
  readonly probe: RegistryProbe;
  /** Lines for people, each with a line break. */
  readonly text: string;
  /** True where a push would be taken. */
  readonly isSound: boolean;
}

/** Asks the registry of a reference; leaves nothing there. */
export async function reportRegistry(reference: string, { env, signal }: Pick<CommandIo, "env" | "signal">): Promise<RegistryReport> {
  const name = parseReference(reference);
  await using client = openRegistryClient({ credentials: defaultCredentials(env), config: await loadRegistryConfig(env), env });

  const probe = await probeRegistry(client, name, signal);
  return { probe, text: describeProbe(probe), isSound: probe.push.kind === "taken" };
}

export function describeProbe({ repository, servers, identity, push, forms, referrers }: RegistryProbe): string {
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["repository", repository],
    ["asked", servers.join(", then ")],
    ["credentials", identity],
    ["push", push.kind === "taken" ? "taken" : `refused: ${push.reason}`],
    ["referrers", describeReferrers(referrers)],
    ...(forms === undefined ? [] : [["attestations", describeArtifact(forms)] as const, ["subjects", describeSubject(forms)] as const]),
  ];
  return rows.map(([name, value]) => `${name.padEnd(12)} ${value}\n`).join("");
}

function describeArtifact({ artifact }: EvidenceForms): string {
  switch (artifact.kind) {
    case "taken":
      return "taken as OCI artifacts";
    case "refused":
      return `not taken as OCI artifacts (${artifact.reason}): a build stores them in the older form, and tells so; oci-artifact=false asks for it`;
    case "unknown":
      return `unknown (${artifact.reason})`;
  }
}

/** What that means for `--attest-store=referrers`. */
function describeSubject({ artifact, subject }: EvidenceForms): string {
  if (artifact.kind === "taken" || subject.kind === "taken") return "taken: evidence may refer to an image whose tag stays plain (--attest-store=referrers)";
  if (subject.kind === "unknown") return `unknown (${subject.reason})`;
  return `not taken (${subject.reason}): evidence stands in the index, or apart (--attest-store=index or file:DIRECTORY)`;
}

function describeReferrers(referrers: RegistryProbe["referrers"]): string {
  switch (referrers.kind) {
    case "interface":
      return "kept by the registry";
    case "fallback-tag":
      return "not kept by the registry: evidence beside an image is listed under a tag sha256-…";
    case "refused":
      return `unknown: ${referrers.reason}`;
  }
}
