import { parseAnnotationKey } from "./annotations.ts";
import type { Compat } from "./compat.ts";
import { FlagFields } from "../content/flag-fields.ts";
import { ExportError } from "./error.ts";
import type { EvidenceWishes } from "./evidence.ts";
import type { Annotation, Compression, EngineDestination, ExportTarget, FileDestination, FilesForm, ImageForm, ImageTarget, LocalMode, OwnEpoch } from "./target.ts";

/** What holds for every output of one build. */
export interface OutputDefaults {
  readonly names: readonly string[];
  readonly annotations: readonly Annotation[];
  /** Where evidence goes, and in which form where an output does not say. */
  readonly evidence: EvidenceWishes;
  /** True where evidence was given a place: then archives get it too. */
  readonly attestArchives: boolean;
  /** For whom images have to be fit. */
  readonly compat: Compat | undefined;
  /** The engine of a context of Docker's, or of none in particular. */
  readonly engine: (context: string | undefined) => EngineDestination;
  /** Resolves a path of the command line. */
  readonly path: (text: string) => string;
}

/** Keys that older versions gave a meaning and that buildx accepts without effect; that name what an image store would keep; that ask for what is so anyway. */
const WITHOUT_EFFECT = new Set([
  "buildinfo", "buildinfo-attrs", "dangling-name-prefix",
]);

/** Such keys of which BuildKit takes only truth values. */
const WITHOUT_EFFECT_BOOLEAN: readonly string[] = ["store", "unpack", "danging-name-empty-only", "name-canonical", "prefer-nondist-layers"];

const ZSTD_LEVEL_MAX = 22;

/** Keys that change the result, and that are refused by name until they work. */
const REFUSED: Readonly<Record<string, string>> = {
  context: "it is for type=docker without dest, which goes to the Docker engine of that context",
};

/** One `--output`: a directory, `-`, or `type=…,key=value,…` (anchor c). */
export function parseOutput(text: string, defaults: OutputDefaults): ExportTarget {
  if (text === "-") return { kind: "tar", destination: { kind: "stdout" }, ...PLAIN_FILES };
  if (!text.includes("=")) return { kind: "local", path: defaults.path(text), mode: "copy", ...PLAIN_FILES };
  const keys = new OutputKeys(text);
  const target = targetOf(keys, defaults);
  keys.refuseRest();
  return target;
}

function targetOf(keys: OutputKeys, defaults: OutputDefaults): ExportTarget {
  const type = keys.need("type");
  switch (type) {
    case "image":
    case "registry":
      return imageTarget(keys, type, defaults);
    case "oci": {
      const inArchive = { ...defaults, attestInline: defaults.attestArchives };
      if (keys.flag("tar", true)) return { kind: "oci-tar", destination: destinationOf(keys, defaults), form: imageForm(keys, inArchive) };
      return { kind: "oci-directory", path: directoryOf(keys, type, defaults), form: imageForm(keys, inArchive) };
    }
    case "docker":
      return dockerTarget(keys, defaults);
    case "local":
      return { kind: "local", mode: localMode(keys), path: directoryOf(keys, type, defaults), ...filesForm(keys) };
    case "tar":
      return { kind: "tar", destination: destinationOf(keys, defaults), ...filesForm(keys) };
    case "cacheonly":
      return { kind: "cacheonly" };
    default:
      throw keys.error(`exporter ${JSON.stringify(type)} could not be found: use image, registry, oci, docker, local, tar or cacheonly`);
  }
}

/** Without `dest` it goes to an engine, as with buildx: what is inline is settled once that has said what it takes (`inFormOf`). */
function dockerTarget(keys: OutputKeys, defaults: OutputDefaults): ExportTarget {
  const dest = keys.take("dest") ?? "";
  if (keys.maybe("tar") === false) throw keys.error(dest === "" ? "dest is required for docker exporter" : "both file and store output is not supported by docker exporter");
  if (dest === "") return { kind: "docker-tar", destination: defaults.engine(keys.take("context")), form: imageForm(keys, { ...defaults, attestInline: defaults.attestArchives }) };
  return { kind: "docker-tar", destination: fileOf(dest, defaults), form: imageForm(keys, { ...defaults, attestInline: defaults.attestArchives && defaults.evidence.store.kind === "file" }) };
}

/** An output to an engine, once that was asked: in the form that it takes. */
export function inFormOf<Target extends ExportTarget>(target: Target, takes: "docker" | "oci"): Target | ImageTarget {
  if (target.kind !== "docker-tar" || target.destination.kind !== "engine") return target;
  const { form, destination } = target;
  // An engine calls an image in containerd's store by its manifest.
  if (takes === "oci") return { kind: "oci-tar", destination: { ...destination, takes }, form: { ...form, prefersRoot: true } };
  return { ...target, destination: { ...destination, takes }, form: { ...form, attestInline: form.attestInline && form.evidence.store.kind === "file" } };
}

function localMode(keys: OutputKeys): LocalMode {
  const mode = keys.take("mode") ?? "copy";
  if (mode !== "copy" && mode !== "delete") throw keys.error(`invalid local exporter mode ${JSON.stringify(mode)}: use copy or delete`);
  return mode;
}

function imageTarget(keys: OutputKeys, type: "image" | "registry", defaults: OutputDefaults): ExportTarget {
  const push = keys.flag("push", type === "registry");
  const byDigest = keys.flag("push-by-digest", false);
  const insecure = keys.flag("registry.insecure", false);
  const form = imageForm(keys, { ...defaults, attestInline: true });
  if (form.rewriteTimestamp && keys.flag("unpack", false)) throw keys.error('exporter option "rewrite-timestamp" conflicts with "unpack"');
  return { kind: "image", push, byDigest, insecure, form };
}

interface ImageDefaults extends OutputDefaults {
  readonly attestInline: boolean;
}

function imageForm(keys: OutputKeys, defaults: ImageDefaults): ImageForm {
  const { compat, annotations } = defaults;
  const names = keys.take("name");
  const ociTypes = keys.maybe("oci-mediatypes");
  if (compat === "docker-v2" && ociTypes === true) throw keys.error("oci-mediatypes=true conflicts with --compat=docker-v2, which has Docker's media types");
  const mediaTypes = (ociTypes ?? compat !== "docker-v2") ? "oci" : "docker";
  const compression = compressionOf(keys);
  if (compat === "docker-v2" && compression.kind === "zstd") throw keys.error("compression=zstd conflicts with --compat=docker-v2, whose layers are gzip or uncompressed");
  if (mediaTypes === "docker" && compression.kind === "estargz") throw keys.error('exporter option "compression=estargz" conflicts with "oci-mediatypes=false"');
  return {
    names: names === undefined ? defaults.names : [...names.split(",").map((name) => name.trim()), ...defaults.names],
    compression, mediaTypes, compat,
    evidence: evidenceOf(keys, mediaTypes, defaults),
    attestInline: keys.flag("attestation-inline", defaults.attestInline),
    rewriteTimestamp: keys.flag("rewrite-timestamp", false),
    epoch: ownEpoch(keys),
    annotations: [...annotations, ...keys.takeMatching(/^annotation[-.[]/).map(([key, value]) => parseAnnotationKey(key, value))],
    // buildx takes no other word for it.
    prefersRoot: keys.take("prefer-image-digest") === "true",
  };
}

function evidenceOf(keys: OutputKeys, mediaTypes: ImageForm["mediaTypes"], { evidence, compat }: OutputDefaults): EvidenceWishes {
  const { store } = evidence;
  const artifact = keys.maybe("oci-artifact");
  if (artifact === true && mediaTypes === "docker" && compat === undefined) throw keys.error('exporter option "oci-artifact=true" conflicts with "oci-mediatypes=false"');
  if (artifact === false && (store.kind === "referrers" || store.kind === "both")) {
    throw keys.error(`oci-artifact=false conflicts with --attest-store=${store.kind}: in that form, attestations do not say what they are about`);
  }
  // An index of Docker's cannot stand in for what a registry refuses: it has no place for attestations.
  const fitting = mediaTypes === "docker" && "otherwise" in store && store.otherwise === "index" ? { ...store, otherwise: "fail" as const } : store;
  return { store: fitting, artifact: artifact ?? evidence.artifact };
}

/** The keys that say how layers are compressed: of an output, and of a cache. */
export function compressionOf(keys: FlagFields): Compression {
  const kind = keys.take("compression") ?? "gzip";
  const levelText = keys.take("compression-level");
  const force = keys.flag("force-compression", false);
  if (kind !== "gzip" && kind !== "zstd" && kind !== "estargz" && kind !== "uncompressed") throw keys.error(`unsupported compression type ${kind}: use gzip, estargz, zstd or uncompressed`);
  return { kind, level: levelText === undefined ? undefined : levelOf(levelText, kind, keys), force };
}

/** Gzip has few levels, and -1 for its own choice; zstd takes the nearest that it has, and nothing to compress takes any. */
function levelOf(text: string, kind: Compression["kind"], keys: FlagFields): number | undefined {
  const level = /^[-+]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(level)) throw keys.error(`compression-level=${text} must be a whole number`);
  switch (kind) {
    case "uncompressed":
      return undefined;
    case "zstd":
      return Math.min(Math.max(level, 0), ZSTD_LEVEL_MAX);
    case "gzip":
    case "estargz":
      if (level < -1 || level > 9) throw keys.error(`compression-level=${text} must be a whole number from 0 to 9`);
      return level === -1 ? undefined : level;
  }
}

function destinationOf(keys: OutputKeys, defaults: OutputDefaults): FileDestination {
  return fileOf(keys.take("dest") ?? "", defaults);
}

function fileOf(dest: string, defaults: OutputDefaults): FileDestination {
  return dest === "" || dest === "-" ? { kind: "stdout" } : { kind: "path", path: defaults.path(dest) };
}

function directoryOf(keys: OutputKeys, type: "local" | "oci", defaults: OutputDefaults): string {
  const dest = keys.take("dest") ?? "";
  if (dest === "") throw keys.error(`dest is required for ${type} exporter`);
  if (dest === "-") throw keys.error(`dest cannot be stdout for ${type} exporter`);
  return defaults.path(dest);
}

const PLAIN_FILES: FilesForm = { platformSplit: undefined, attestationPrefix: "", epoch: undefined };

function filesForm(keys: OutputKeys): FilesForm {
  return { platformSplit: keys.maybe("platform-split"), attestationPrefix: keys.take("attestation-prefix") ?? "", epoch: ownEpoch(keys) };
}

/** Nothing behind the key: the output has none. */
function ownEpoch(keys: OutputKeys): OwnEpoch | undefined {
  const text = keys.take("source-date-epoch");
  if (text === undefined || text === "") return text === undefined ? undefined : { seconds: undefined };
  const seconds = Number(text);
  if (!/^[-+]?\d+$/.test(text) || !Number.isSafeInteger(seconds)) throw keys.error(`invalid source-date-epoch: ${JSON.stringify(text)}: give whole seconds since 1970`);
  return { seconds };
}

const TRUE_WHEN_EMPTY: ReadonlySet<string> = new Set(["push", "push-by-digest", "registry.insecure", "unpack", "store", "danging-name-empty-only", "name-canonical", "tar"]);

/** The keys of one output; what nobody took is refused at the end. */
class OutputKeys extends FlagFields {
  constructor(text: string) {
    super(text, (message) => new ExportError("usage", `--output ${text}: ${message}`));
  }

  /** BuildKit takes some of them for said where nothing is behind the key. */
  override boolean(key: string, value: string): boolean {
    return (value === "" && TRUE_WHEN_EMPTY.has(key)) || super.boolean(key, value);
  }

  refuseRest(): void {
    for (const key of WITHOUT_EFFECT_BOOLEAN) this.maybe(key);
    for (const [key, value] of this.rest()) {
      // What we refuse may be said not to be wanted; what nobody knows is a slip, whatever its value.
      if (WITHOUT_EFFECT.has(key) || (Object.hasOwn(REFUSED, key) && value === "false")) continue;
      throw this.error(Object.hasOwn(REFUSED, key) ? `${key}: ${REFUSED[key]}` : `unknown key ${JSON.stringify(key)}`);
    }
  }
}
