import type { BridgeAttestation } from "../bridge/bridge.ts";
import { FrontendFailure } from "../bridge/frontend-failure.ts";
import { InvalidDigestError, parseDigest, type Digest } from "../content/digest.ts";
import { goJson } from "../content/go-json.ts";
import type { Subject } from "../provenance/subject.ts";
import { Tree } from "../snapshot/tree.ts";
import { readBundle, readPredicate, refuseProvenance } from "./bundle.ts";
import type { Evidence, EvidenceTarget } from "./evidence.ts";
import { scrubbedPredicate, scrubbedPredicateFile } from "./scrubbed-predicate.ts";
import { solveGraphs, type SolveMeans } from "./solve-graphs.ts";

/** What a frontend in a container says of its result, as BuildKit takes it. Throws FrontendFailure for what cannot be taken. */
export async function frontendEvidence(attestations: readonly BridgeAttestation[], means: SolveMeans, signal: AbortSignal): Promise<readonly Evidence[]> {
  const evidence = await Promise.all(attestations.map(async (attestation) => await evidenceOf(attestation, means, signal)));
  return evidence.flat();
}

async function evidenceOf({ kind, reference, path, predicateType, subjects }: BridgeAttestation, means: SolveMeans, signal: AbortSignal): Promise<readonly Evidence[]> {
  if (reference === undefined) throw new FrontendFailure("no ref provided for attestation bundle", undefined);
  const { chains } = await solveGraphs([reference.definition], means, signal);
  const tree = await Tree.open(chains[0] ?? [], signal);
  if (kind === "bundle") {
    const statements = await readBundle(tree, path, predicateType, signal);
    return statements.map((statement): Evidence => ({
      predicateType: statement.predicateType,
      filename: statement.name,
      subjects: statement.subjects.length === 0 ? undefined : () => statement.subjects,
      predicate: async ({ scrubber }, stop) => Buffer.from(goJson(await scrubbedPredicate(statement.predicate, { predicateType: statement.predicateType, scrubber }, stop))),
    }));
  }
  refuseProvenance(predicateType);
  const predicate = await readPredicate(tree, path, signal);
  requireJson(path, predicate);
  const raw = subjects.some((subject) => subject.kind === "raw");
  return [{ predicateType, filename: path.slice(path.lastIndexOf("/") + 1), subjects: raw ? (target) => subjectsOf(subjects, target) : undefined, predicate: async ({ scrubber }, stop) => await scrubbedPredicateFile(predicate, { predicateType, scrubber }, stop) }];
}

function subjectsOf(subjects: BridgeAttestation["subjects"], target: EvidenceTarget): readonly Subject[] {
  return subjects.flatMap(({ kind, name, digests }) => (kind === "self" ? target.subjects : digests.map((digest) => ({ name: name === "" ? "_" : name, digest: digestOf(digest) }))));
}

function digestOf(text: string): Digest {
  try {
    return parseDigest(text);
  } catch (error) {
    if (error instanceof InvalidDigestError) throw new FrontendFailure(`the frontend's attestation has a subject with a bad digest: ${error.message}`, undefined, { cause: error });
    throw error;
  }
}

function requireJson(path: string, bytes: Uint8Array): void {
  try {
    JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    throw new FrontendFailure(`${path}: the frontend's predicate is not JSON: ${(error as Error).message}`, undefined, { cause: error });
  }
}
