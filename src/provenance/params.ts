import { csvFields, CsvFieldsError } from "../content/csv-fields.ts";
import { goBoolean } from "../content/go-boolean.ts";

/** Who built. `environment`: variables of a CI system say so, and nobody else; `none` has an empty id. */
export interface Builder {
  readonly id: string;
  readonly basis: "request" | "environment" | "none";
}

/** What is asked of the provenance, every default decided (anchor b.1). */
export interface ProvenancePlan {
  readonly mode: "min" | "max";
  readonly version: "v1" | "v0.2";
  readonly builder: Builder;
  /** Name of the file where there is no image to carry it. */
  readonly filename: string;
  /** A claim of the caller, recorded as such. */
  readonly reproducible: boolean;
  /** True: only where an image carries it, not as a file of a `local` or `tar` result. */
  readonly inlineOnly: boolean;
  /** True: the build fails when a material cannot be named. */
  readonly completeMaterials: boolean;
  readonly captureUsage: boolean;
}

export interface SbomPlan {
  /** Reference of the scanner's image; undefined for the one that is built in. */
  readonly generator: string | undefined;
  /** Of the built-in scanner; never empty. */
  readonly formats: readonly SbomFormat[];
  /** For a scanner that is an image, which gets them as variables. */
  readonly params: Readonly<Record<string, string>>;
}

export type SbomFormat = "spdx" | "cyclonedx";

export interface AttestationPlan {
  /** Undefined: none is made. */
  readonly provenance: ProvenancePlan | undefined;
  /** What turned it off, as it was given: `--provenance=false`. */
  readonly provenanceOff: string | undefined;
  readonly sbom: SbomPlan | undefined;
}

/** What the command line and the environment say, as given. */
export interface AttestationFlags {
  readonly attest: readonly string[];
  readonly provenance: string | undefined;
  readonly sbom: string | undefined;
  /** BUILDX_NO_DEFAULT_ATTESTATIONS. */
  readonly noDefault: string | undefined;
  /** By name; BUILDKIT_ATTEST_PROVENANCE and BUILDKIT_ATTEST_SBOM stand for `--attest`. */
  readonly buildArgs: ReadonlyMap<string, string>;
  /** Who builds where nobody names a builder; undefined where the environment does not tell. */
  readonly environmentBuilder: string | undefined;
}

/** The caller asked for something that is not there. Texts are those of buildx and BuildKit. */
export class InvalidAttestationError extends Error {
  override readonly name = "InvalidAttestationError";
  readonly code = "usage";
  readonly retryable = false;
}

const DEFAULT_PROVENANCE: Attributes = new Map([["mode", "min"], ["inline-only", "true"]]);

/**
 * `--attest`, then `--provenance`, then `--sbom`: of each type the first one counts. With none for provenance, a
 * `mode=min` one goes with images. Throws InvalidAttestationError.
 */
export function parseAttestations(flags: AttestationFlags): AttestationPlan {
  const requests = new Map<string, Attributes | "disabled">();
  const given = [...flags.attest.map((text) => [text, `--attest=${text}`] as const), ...shorthand("provenance", flags.provenance), ...shorthand("sbom", flags.sbom)];
  let turnedOff: string | undefined;
  for (const [text, flag] of given) {
    const { type, attributes } = parseAttest(text);
    if (requests.has(type)) continue;
    requests.set(type, attributes);
    if (type === "provenance" && attributes === "disabled") turnedOff = flag;
  }
  for (const [name, value] of flags.buildArgs) {
    const type = /^BUILDKIT_ATTEST_(.+)$/.exec(name)?.[1]?.toLowerCase();
    if (type !== undefined && !requests.has(type)) requests.set(type, parseFields(value));
  }
  for (const type of requests.keys()) if (type !== "provenance" && type !== "sbom") throw new InvalidAttestationError(`unknown attestation type ${JSON.stringify(type)}`);
  const hasDefault = flags.noDefault === undefined || !parseBoolean(flags.noDefault, "invalid BUILDX_NO_DEFAULT_ATTESTATIONS");
  const provenance = requests.get("provenance") ?? (hasDefault ? DEFAULT_PROVENANCE : "disabled");
  const sbom = requests.get("sbom") ?? "disabled";
  return {
    provenance: provenance === "disabled" ? undefined : provenancePlan(provenance, flags.environmentBuilder),
    provenanceOff: provenance === "disabled" ? (turnedOff ?? `BUILDX_NO_DEFAULT_ATTESTATIONS=${flags.noDefault}`) : undefined,
    sbom: sbom === "disabled" ? undefined : sbomPlan(sbom),
  };
}

/** BUILDX_METADATA_PROVENANCE: how much of the provenance the metadata file holds (anchor A43). */
export function parseMetadataMode(text: string | undefined): "min" | "max" | "disabled" {
  if (text === "max" || text === "disabled") return text;
  return goBoolean(text ?? "") === false ? "disabled" : "min";
}

type Attributes = ReadonlyMap<string, string>;

/** `--provenance=true` is `type=provenance`, with the default mode of one that is asked for: max. */
function shorthand(type: "provenance" | "sbom", value: string | undefined): ReadonlyArray<readonly [text: string, flag: string]> {
  if (value === undefined || value === "") return [];
  const enabled = goBoolean(value);
  return [[enabled === undefined ? `type=${type},${value}` : `type=${type},disabled=${!enabled}`, `--${type}=${value}`]];
}

function parseAttest(text: string): { readonly type: string; readonly attributes: Attributes | "disabled" } {
  const attributes = new Map<string, string>();
  let type = "";
  let disabled = false;
  for (const field of fieldsOf(text)) {
    const at = field.indexOf("=");
    if (at === -1) throw new InvalidAttestationError(`invalid value ${field}`);
    const value = field.slice(at + 1);
    switch (field.slice(0, at).toLowerCase().trim()) {
      case "type":
        type = value;
        break;
      case "disabled":
        disabled = parseBoolean(value, `invalid value ${field}`);
        break;
      default:
        addAttribute(attributes, field.slice(0, at), value);
    }
  }
  if (type === "") throw new InvalidAttestationError("attestation type not specified");
  return { type, attributes: disabled ? "disabled" : attributes };
}

/** Formats are added up; of all else the last one counts. */
function addAttribute(attributes: Map<string, string>, key: string, value: string): void {
  const earlier = key === "format" ? attributes.get(key) : undefined;
  attributes.set(key, earlier === undefined ? value : `${earlier}+${value}`);
}

/** The daemon's form of the same, where a field without `=` has an empty value. */
function parseFields(text: string): Attributes {
  if (text === "") return new Map();
  return new Map(fieldsOf(text).map((field) => {
    const at = field.indexOf("=");
    return at === -1 ? [field, ""] : [field.slice(0, at), field.slice(at + 1)];
  }));
}

function fieldsOf(text: string): readonly string[] {
  try {
    return csvFields(text);
  } catch (error) {
    if (error instanceof CsvFieldsError) throw new InvalidAttestationError(error.message, { cause: error });
    throw error;
  }
}

const PROVENANCE_PARAMS: ReadonlySet<string> = new Set(["mode", "version", "builder-id", "filename", "reproducible", "complete-materials", "inline-only", "capture-usage"]);

function provenancePlan(attributes: Attributes, environmentBuilder: string | undefined): ProvenancePlan {
  // BuildKit takes any; a key with a slip in it would be a record that is not what was asked for.
  const unknown = [...attributes.keys()].find((key) => !PROVENANCE_PARAMS.has(key));
  if (unknown !== undefined) throw new InvalidAttestationError(`unknown provenance parameter ${JSON.stringify(unknown)}: use ${[...PROVENANCE_PARAMS].join(", ")}`);
  return {
    mode: modeOf(attributes.get("mode") ?? "max"),
    version: versionOf(attributes.get("version") ?? "v1"),
    builder: builderOf(attributes.get("builder-id"), environmentBuilder),
    filename: attributes.get("filename") ?? "provenance.json",
    reproducible: flagOf(attributes, "reproducible"),
    completeMaterials: flagOf(attributes, "complete-materials"),
    // BuildKit takes what is no boolean for false here, and complains above.
    inlineOnly: goBoolean(attributes.get("inline-only") ?? "") ?? false,
    captureUsage: goBoolean(attributes.get("capture-usage") ?? "") ?? false,
  };
}

/** One that is given empty is given: it keeps the environment's out of the record. */
function builderOf(given: string | undefined, fromEnvironment: string | undefined): Builder {
  if (given !== undefined) return { id: given, basis: "request" };
  return fromEnvironment === undefined ? { id: "", basis: "none" } : { id: fromEnvironment, basis: "environment" };
}

function modeOf(mode: string): "min" | "max" {
  if (mode === "min" || mode === "max") return mode;
  if (mode === "full") return "max";
  throw new InvalidAttestationError(`invalid mode ${JSON.stringify(mode)}`);
}

function versionOf(version: string): "v1" | "v0.2" {
  if (version === "v1" || version === "v0.2") return version;
  throw new InvalidAttestationError(version === "" ? "provenance SLSA version cannot be empty" : `invalid provenance SLSA version: ${version}`);
}

function flagOf(attributes: Attributes, name: "reproducible" | "complete-materials"): boolean {
  const value = attributes.get(name);
  return value !== undefined && parseBoolean(value, `failed to parse ${name} flag ${JSON.stringify(value)}`);
}

function sbomPlan(attributes: Attributes): SbomPlan {
  const generator = attributes.get("generator");
  if (generator === "") throw new InvalidAttestationError("sbom generator cannot be empty");
  const params = Object.fromEntries([...attributes].filter(([name]) => name !== "generator"));
  if (generator !== undefined) return { generator, formats: ["spdx"], params };
  const unknown = Object.keys(params).find((name) => name !== "format");
  if (unknown !== undefined) throw new InvalidAttestationError(`unknown sbom parameter ${JSON.stringify(unknown)}: the built-in scanner takes format=spdx, format=cyclonedx or both; others are for a generator=IMAGE`);
  return { generator: undefined, formats: formatsOf(attributes.get("format")), params: {} };
}

function formatsOf(text: string | undefined): readonly SbomFormat[] {
  if (text === undefined) return ["spdx"];
  const formats = text.split("+").map((name): SbomFormat => {
    if (name === "spdx" || name === "cyclonedx") return name;
    throw new InvalidAttestationError(`invalid sbom format ${JSON.stringify(name)}: use spdx, cyclonedx or spdx+cyclonedx`);
  });
  return [...new Set(formats)];
}

function parseBoolean(text: string, complaint: string): boolean {
  const value = goBoolean(text);
  if (value === undefined) throw new InvalidAttestationError(`${complaint}: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
  return value;
}
