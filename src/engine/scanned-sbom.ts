import type { ReportEvent } from "../progress/event.ts";
import type { SbomFormat } from "../provenance/params.ts";
import { redactionsText } from "../provenance/scrub-document.ts";
import { CATALOGERS } from "../sbom/catalogers.ts";
import { cyclonedxDocument } from "../sbom/cyclonedx.ts";
import type { DocumentFile, DocumentInput } from "../sbom/document.ts";
import { scanTree, type ScanResult } from "../sbom/scan.ts";
import type { ScanTree } from "../sbom/scan-tree.ts";
import type { Scrubber } from "../scrub/scrubber.ts";
import { spdxDocument } from "../sbom/spdx.ts";
import type { Tree } from "../snapshot/tree.ts";
import type { StateDatabase } from "../store/state-database.ts";
import type { Evidence, EvidenceTarget } from "./evidence.ts";
import { withMaskedPaths } from "./masked-paths.ts";
import { scrubScan } from "./scrub-scan.ts";
import { scannedTree } from "./sbom-tree.ts";
import type { StepReporter } from "./step-reporter.ts";

/** One tree to be scanned by the built-in scanner. */
export interface ScanSubject {
  /** `sbom` for the result, `sbom-STAGE` and `sbom-context` for what else was asked for. */
  readonly name: string;
  readonly tree: Tree;
  /** Documents are of the time of what they describe: equal results give equal documents. */
  readonly created: Date;
}

export interface ScanMeans {
  readonly database: StateDatabase;
  readonly steps: StepReporter;
  readonly report: ReportEvent;
  readonly tool: DocumentInput["tool"];
}

interface Scanned {
  readonly scan: ScanResult;
  readonly files: readonly DocumentFile[];
}

const FORMATS: Readonly<Record<SbomFormat, { readonly predicateType: string; readonly suffix: string; readonly write: typeof spdxDocument }>> = {
  spdx: { predicateType: "https://spdx.dev/Document", suffix: "spdx.json", write: spdxDocument },
  cyclonedx: { predicateType: "https://cyclonedx.org/bom", suffix: "cdx.json", write: cyclonedxDocument },
};

/** An SBOM in each of the formats, from one scan that is made when the first one is asked for. */
export function scannedSbom(subject: ScanSubject, platform: string, formats: readonly SbomFormat[], means: ScanMeans): readonly Evidence[] {
  let scanned: Promise<Scanned> | undefined;
  const scan = (signal: AbortSignal): Promise<Scanned> => (scanned ??= means.steps.work(`[${platform}] scanning ${subject.name === "sbom" ? "the result" : subject.name.slice("sbom-".length)} for packages`, () => scanSubject(subject, means, signal)));
  return formats.map((format): Evidence => {
    const { predicateType, suffix, write } = FORMATS[format];
    return {
      predicateType,
      filename: `${subject.name}.${suffix}`,
      subjects: undefined,
      async predicate(target, signal) {
        const scanned = await scan(signal);
        const clean = await scrubScan(scanned.scan, target.scrubber, signal);
        const input = await withMaskedPaths(documentInput(subject, { ...scanned, scan: clean }, { target, tool: means.tool }), target.scrubber, signal);
        return await write({ ...input, redacted: redactedOf(target.scrubber) }, signal);
      },
    };
  });
}

async function scanSubject({ tree, name }: ScanSubject, { database, report }: ScanMeans, signal: AbortSignal): Promise<Scanned> {
  const scan = scannedTree(tree, database);
  const result = await scanTree(scan, CATALOGERS, signal);
  for (const warning of result.warnings) report({ kind: "notice", message: `WARNING: ${name}: ${warning}` });
  return { scan: result, files: await documentFiles(scan, signal) };
}

async function documentFiles(tree: ScanTree, signal: AbortSignal): Promise<readonly DocumentFile[]> {
  const files: DocumentFile[] = [];
  for (const file of tree.files.values()) files.push({ path: file.path, ...(await file.digests(signal)) });
  return files;
}

function redactedOf({ redactions }: Scrubber): string | undefined {
  return redactions.length === 0 ? undefined : redactionsText(redactions);
}

function documentInput({ name, created }: ScanSubject, { scan, files }: Scanned, { target, tool }: { readonly target: EvidenceTarget; readonly tool: DocumentInput["tool"] }): DocumentInput {
  const isResult = name === "sbom";
  return {
    kind: isResult ? target.kind : "directory",
    name: isResult ? target.name : name,
    namespace: `urn:stemma:sbom:${encodeURIComponent(isResult ? target.name : `${target.name}:${name}`)}`,
    created, tool, scan, files,
    redacted: undefined,
    originOf: isResult ? target.originOf : () => ({ layer: undefined, step: undefined, dockerfile: undefined }),
  };
}
