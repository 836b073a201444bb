import { TimeSlice } from "../content/time-slice.ts";
import type { DocumentInput } from "../sbom/document.ts";
import type { ScannedPackage } from "../sbom/scan.ts";
import type { Scrubber } from "../scrub/scrubber.ts";

const PLACE = "names of files";

/**
 * A document of packages whose files have no secret in their names. Who is named anew is named so wherever the document speaks of it,
 * and differs from all others: of two that would be the same the second gets `~2`. Digests and contents stay those of the file.
 */
export async function withMaskedPaths(input: DocumentInput, scrubber: Scrubber, signal: AbortSignal): Promise<DocumentInput> {
  const { files, scan } = input;
  const masked = await maskedPaths(new Set([...files.map(({ path }) => path), ...scan.packages.flatMap(({ evidence, broughtBy, files: own }) => [...evidence, broughtBy, ...own])]), scrubber, signal);
  if (masked.size === 0) return input;
  const shown = (path: string): string => masked.get(path) ?? path;
  const originals = new Map(Array.from(masked, ([path, name]) => [name, path]));
  const packages = scan.packages.map((one): ScannedPackage => {
    const [first, ...rest] = one.evidence;
    return { ...one, evidence: [shown(first), ...rest.map(shown)], broughtBy: shown(one.broughtBy), files: one.files.map(shown) };
  });
  return {
    ...input,
    scan: { ...scan, packages },
    files: files.map((file) => ({ ...file, path: shown(file.path) })),
    originOf: (path) => input.originOf(originals.get(path) ?? path),
  };
}

/** Those that change, with what is shown of them. */
async function maskedPaths(paths: ReadonlySet<string>, scrubber: Scrubber, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const slice = new TimeSlice();
  const masked = new Map<string, string>();
  for (const path of paths) {
    if (slice.isSpent) await slice.renew(signal);
    const text = scrubber.text(path, PLACE);
    if (text !== path) masked.set(path, text);
  }
  const taken = new Set(masked.size === 0 ? [] : [...paths].filter((path) => !masked.has(path)));
  for (const [path, text] of masked) {
    let name = text;
    for (let number = 2; taken.has(name); number++) name = `${text}~${number}`;
    taken.add(name);
    masked.set(path, name);
  }
  return masked;
}
