import { parseRfc3339 } from "../content/timestamp.ts";
import type { LayerMaker } from "./describe-difference.ts";
import type { PathDifference } from "./entry-differences.ts";
import type { ImageDifference } from "./image-difference.ts";
import { knownCulprits } from "./known-culprit.ts";

/** What was done about times when the two images were made. */
export interface TimeSettings {
  /** SOURCE_DATE_EPOCH. */
  readonly epochNs: bigint | undefined;
  /** Times of files are set to the epoch if asked for and later (`rewrite-timestamp`), or in any case, as in a result that is no image. */
  readonly files: "left" | "rewritten" | "set";
}

/** A path in one of the layers that differ. */
interface Found {
  readonly layer: ImageDifference["layers"][number];
  readonly path: PathDifference;
}

const OWN_TIME = /^(?:created|history\[\d+\]\.created)$/;
const SET_EPOCH = "set SOURCE_DATE_EPOCH, for example to the time of the commit (git log -1 --format=%ct)";

/** What most likely made the difference, and what can be done about it, in whole sentences; empty where nothing is known. */
export function likelyCauses(difference: ImageDifference, makers: readonly LayerMaker[], settings: TimeSettings): readonly string[] {
  const found = difference.layers.flatMap((layer) => (layer.difference.kind === "files" ? layer.difference.paths.map((path): Found => ({ layer, path })) : []));
  const others = found.filter(({ path }) => !isOfTimesOnly(path));
  return [...timeAdvice(difference, found, settings), ...knownCulprits(others.map(({ path }) => path.path)), ...networkAdvice(others, makers)];
}

function timeAdvice(difference: ImageDifference, found: readonly Found[], settings: TimeSettings): readonly string[] {
  const { epochNs, files } = settings;
  const fixed = files === "rewritten" && epochNs !== undefined ? [] : found.filter(({ path }) => isSameAfterRewrite(path, epochNs));
  if (epochNs !== undefined) {
    return fixed.length === 0 ? [] : [`rewrite-timestamp=true in --output sets the times of files back to SOURCE_DATE_EPOCH: ${wouldFix(difference, found, fixed)}`];
  }
  const ownTimes = difference.config.some(({ path }) => OWN_TIME.test(path));
  if (fixed.length === 0) return ownTimes ? [`the image's own times are those of its build: ${SET_EPOCH}`] : [];
  const how = files === "left" ? `${SET_EPOCH}, and rewrite-timestamp=true in --output` : SET_EPOCH;
  return [`files${ownTimes ? ", and the image itself," : ""} have the times of the build: ${how}: ${wouldFix(difference, found, fixed)}`];
}

/** Whole layers count for more than paths: only a layer without any difference is the same. */
function wouldFix({ layers }: ImageDifference, found: readonly Found[], fixed: readonly Found[]): string {
  const gone = new Set(fixed);
  const left = new Set(found.filter((each) => !gone.has(each)).map(({ layer }) => layer));
  const whole = new Set(fixed.map(({ layer }) => layer).filter((layer) => !left.has(layer)));
  return `that would take away ${fixed.length} of ${found.length} differing paths, and all of them in ${whole.size} of ${layers.length} differing layers`;
}

function networkAdvice(others: readonly Found[], makers: readonly LayerMaker[]): readonly string[] {
  const layers = new Set(others.map(({ layer }) => layer.index));
  return [...layers].flatMap((index) => {
    const maker = makers[index];
    return maker?.networked === true ? [`${maker.step} had the network, and what it fetches may change at any time: pin versions and digests, or run it with --network=none`] : [];
  });
}

function isOfTimesOnly({ aspects }: PathDifference): boolean {
  return aspects.every(({ aspect }) => aspect === "mtime");
}

/** With an epoch of any usual kind, which is before the build, where none is set. */
function isSameAfterRewrite(path: PathDifference, epochNs: bigint | undefined): boolean {
  if (!isOfTimesOnly(path)) return false;
  return epochNs === undefined || path.aspects.every(({ first = "", second = "" }) => parseRfc3339(first) >= epochNs && parseRfc3339(second) >= epochNs);
}
