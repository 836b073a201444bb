import type { Statement } from "../export/statement.ts";
import { subjectJson, type Subject } from "../provenance/subject.ts";
import type { Redaction, Scrubber } from "../scrub/scrubber.ts";
import type { Origin } from "../sbom/document.ts";

/** What an evidence speaks of, once that is known. */
export interface EvidenceTarget {
  /** Of the image, or of what stands for it. */
  readonly name: string;
  readonly kind: "image" | "directory";
  /** What brought a file of the result. */
  readonly originOf: (path: string) => Origin;
  readonly subjects: readonly Subject[];
  /** Masks what must not be published of one evidence, and knows afterwards what it masked. */
  readonly scrubber: Scrubber;
}

/** What is said of a result beside its provenance: an SBOM, or what a frontend in a container says. */
export interface Evidence {
  readonly predicateType: string;
  /** Name of its file where there is no image: `sbom.spdx.json`. */
  readonly filename: string;
  /** What it speaks of besides the result itself; undefined: of the result alone. */
  readonly subjects: ((target: EvidenceTarget) => readonly Subject[]) | undefined;
  /** JSON, without secrets. */
  predicate(target: EvidenceTarget, signal: AbortSignal): Promise<Uint8Array>;
}

export interface SaidEvidence {
  readonly statement: Statement;
  /** What was masked in it. */
  readonly redactions: readonly Redaction[];
}

/** Evidence as in-toto statements (Statement v1). */
export async function evidenceStatements(all: readonly Evidence[], { newScrubber, ...about }: Omit<EvidenceTarget, "scrubber"> & { readonly newScrubber: () => Scrubber }, signal: AbortSignal): Promise<readonly SaidEvidence[]> {
  const said: SaidEvidence[] = [];
  for (const evidence of all) {
    const { predicateType, filename } = evidence;
    const target = { ...about, scrubber: newScrubber() };
    const subject = (evidence.subjects?.(target) ?? target.subjects).map(subjectJson);
    const head = JSON.stringify({ _type: "https://in-toto.io/Statement/v1", predicateType, subject });
    const predicate = Buffer.from(await evidence.predicate(target, signal));
    // A document may be large: it is put in as it is.
    const bytes = Buffer.concat([Buffer.from(`${head.slice(0, -1)},"predicate":`), predicate.subarray(0, predicate.at(-1) === 0x0a ? -1 : undefined), Buffer.from("}")]);
    said.push({ statement: { predicateType, filename, bytes }, redactions: target.scrubber.redactions });
  }
  return said;
}
