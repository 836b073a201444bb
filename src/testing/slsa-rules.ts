/**
 * What the specifications say of every field of a record, read as strictly as they can be: in-toto Statement v0.1 and v1 with their field
 * types (in-toto/attestation, spec/v1), SLSA provenance v0.2 and v1 (slsa.dev/spec). Where a specification says SHOULD, so does this.
 */

type Rule = (value: unknown, place: string) => readonly string[];
type Members = Readonly<Record<string, unknown>>;

const isMembers = (value: unknown): value is Members => typeof value === "object" && value !== null && !Array.isArray(value);
const says = (place: string, what: string): readonly string[] => [`${place}: ${what}`];
const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 80) ?? "nothing";

const text: Rule = (value, place) => (typeof value === "string" ? [] : says(place, `${shown(value)} is no text`));
const boolean: Rule = (value, place) => (typeof value === "boolean" ? [] : says(place, `${shown(value)} is no boolean`));
const anyObject: Rule = (value, place) => (isMembers(value) ? [] : says(place, `${shown(value)} is no object`));
const matching = (pattern: RegExp, what: string): Rule => (value, place) => (typeof value === "string" && pattern.test(value) ? [] : says(place, `${shown(value)} is no ${what}`));

/** RFC 3986, scheme and authority in lower case, which both TypeURI and ResourceURI ask for. */
const uri: Rule = matching(/^[a-z][a-z0-9+.-]*:(?:\/\/(?:(?:%[0-9A-Fa-f]{2}|[\w.~!$&'()*+,;=:-])*@)?(?:%[0-9A-F]{2}|[a-z0-9._~!$&'()*+,;=:[\]-])*(?=[/?#]|$)|(?!\/\/))(?:%[0-9A-Fa-f]{2}|[\w.~:/?[\]@!$&'()*+,;=-])*(?:#(?:%[0-9A-Fa-f]{2}|[\w.~:/?@!$&'()*+,;=-])*)?$/, "URI");
const timestamp: Rule = (value, place) => {
  const form = matching(/^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?Z$/, "time in UTC (RFC 3339)")(value, place);
  return form.length > 0 || Number.isFinite(Date.parse(String(value).replace(":60", ":59"))) ? form : says(place, `${shown(value)} is no day of a year`);
};
const mediaType: Rule = matching(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:\s*;.*)?$/, "media type");
const base64: Rule = matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, "base64");

/** Hexadecimal digits of each algorithm of the DigestSet; others' values are not known. */
const DIGITS: Readonly<Record<string, readonly number[]>> = {
  sha224: [56], sha256: [64], sha384: [96], sha512: [128], sha512_224: [56], sha512_256: [64], sha3_224: [56], sha3_256: [64], sha3_384: [96], sha3_512: [128],
  sha1: [40], md5: [32], ripemd160: [40], sm3: [64], gost: [64], blake2b: [128], blake2s: [64], dirHash: [64], dirHash1: [64], gitCommit: [40, 64], gitTree: [40, 64], gitBlob: [40, 64], gitTag: [40, 64],
};

const digestSet: Rule = (value, place) => {
  if (!isMembers(value)) return says(place, `${shown(value)} is no set of digests`);
  const entries = Object.entries(value);
  if (entries.length === 0) return says(place, "a set without a digest");
  return entries.flatMap(([algorithm, digest]) => {
    const digits = DIGITS[algorithm];
    if (digits === undefined) return says(`${place}.${algorithm}`, "no algorithm of the DigestSet");
    return typeof digest === "string" && /^[0-9a-f]+$/.test(digest) && digits.includes(digest.length) ? [] : says(`${place}.${algorithm}`, `${shown(digest)} is no such digest`);
  });
};

const listOf = (item: Rule): Rule => (value, place) => (Array.isArray(value) ? value.flatMap((each, i) => item(each, `${place}[${i}]`)) : says(place, `${shown(value)} is no list`));
const mapOf = (member: Rule): Rule => (value, place) => (isMembers(value) ? Object.entries(value).flatMap(([key, each]) => member(each, `${place}.${key}`)) : says(place, `${shown(value)} is no object`));

/** Whether a field that the specification does not know may stand there. */
type IsExtension = (name: string) => boolean;
const NONE: IsExtension = () => false;

/** Members by name; `?` behind a name that may be left out, or null. */
function object(members: Readonly<Record<string, Rule>>, isExtension: IsExtension): Rule {
  const rules = new Map(Object.entries(members).map(([name, rule]) => [name.replace(/\?$/, ""), { rule, isOptional: name.endsWith("?") }]));
  return (value, place) => {
    if (!isMembers(value)) return says(place, `${shown(value)} is no object`);
    const known = [...rules].flatMap(([name, { rule, isOptional }]) => {
      const member = value[name];
      if (member === undefined || member === null) return isOptional ? [] : says(`${place}.${name}`, "is missing");
      return rule(member, `${place}.${name}`);
    });
    return [...known, ...Object.keys(value).filter((name) => !rules.has(name) && !isExtension(name)).flatMap((name) => says(`${place}.${name}`, "is no field of the specification"))];
  };
}

function resourceDescriptor(isExtension: IsExtension): Rule {
  const members = object({ "name?": text, "uri?": uri, "digest?": digestSet, "content?": base64, "downloadLocation?": uri, "mediaType?": mediaType, "annotations?": anyObject }, isExtension);
  return (value, place) => [...members(value, place), ...(isMembers(value) && ["uri", "digest", "content"].every((name) => value[name] === undefined) ? says(place, "has neither uri nor digest nor content") : [])];
}

const unique = (subjects: unknown, place: string): readonly string[] => {
  const names = (Array.isArray(subjects) ? subjects : []).map((subject: unknown) => (isMembers(subject) ? subject["name"] : undefined)).filter((name) => name !== undefined && name !== "_");
  return new Set(names).size === names.length ? [] : says(place, "two subjects have one name");
};

/** `<vendor>_<fieldname>`, and told to be the producer's. */
function v1Extension(declared: ReadonlySet<string>): IsExtension {
  return (name) => /^[a-z][a-z0-9]*_[A-Za-z0-9]\w*$/.test(name) && declared.has(name);
}

/** "Producers MAY add extension fields using field names that are URIs." */
const v02Extension: IsExtension = (name) => uri(name, "").length === 0;

function predicateV1(isExtension: IsExtension): Rule {
  const resource = resourceDescriptor(isExtension);
  return object({
    buildDefinition: object({ buildType: uri, externalParameters: anyObject, "internalParameters?": anyObject, "resolvedDependencies?": listOf(resource) }, isExtension),
    runDetails: object({
      builder: object({ id: uri, "builderDependencies?": listOf(resource), "version?": mapOf(text) }, isExtension),
      "metadata?": object({ "invocationId?": text, "startedOn?": timestamp, "finishedOn?": timestamp }, isExtension),
      "byproducts?": listOf(resource),
    }, isExtension),
  }, isExtension);
}

const BUILDER_V02 = object({ id: uri }, v02Extension);
const INVOCATION_V02 = object({ "configSource?": object({ "uri?": uri, "digest?": digestSet, "entryPoint?": text }, v02Extension), "parameters?": anyObject, "environment?": anyObject }, v02Extension);
const METADATA_V02 = object({
  "buildInvocationId?": text, "buildStartedOn?": timestamp, "buildFinishedOn?": timestamp,
  "completeness?": object({ "parameters?": boolean, "environment?": boolean, "materials?": boolean }, v02Extension), "reproducible?": boolean,
}, v02Extension);
const PREDICATE_V02 = object({ builder: BUILDER_V02, buildType: uri, "invocation?": INVOCATION_V02, "buildConfig?": anyObject, "metadata?": METADATA_V02, "materials?": listOf(object({ "uri?": uri, "digest?": digestSet }, v02Extension)) }, v02Extension);

/** What is wrong with a predicate of this type, one line each; nothing is known of other types than provenance. `declared`: names of the producer's own fields. */
export function predicateProblems(predicateType: string, predicate: unknown, declared: ReadonlySet<string>): readonly string[] {
  if (predicateType === "https://slsa.dev/provenance/v1") return [...predicateV1(v1Extension(declared))(predicate, "predicate"), ...inOrder(predicate, "runDetails", ["startedOn", "finishedOn"])];
  if (predicateType === "https://slsa.dev/provenance/v0.2") return PREDICATE_V02(predicate, "predicate");
  return [];
}

function inOrder(predicate: unknown, member: string, [first, last]: readonly [string, string]): readonly string[] {
  const details = isMembers(predicate) ? predicate[member] : undefined;
  const metadata = isMembers(details) && isMembers(details["metadata"]) ? details["metadata"] : {};
  return Date.parse(String(metadata[first])) > Date.parse(String(metadata[last])) ? says("predicate", `${first} is after ${last}`) : [];
}

/** The same of a whole statement, of either version, with what its predicate has. */
export function statementProblems(statement: unknown, declared: ReadonlySet<string>): readonly string[] {
  if (!isMembers(statement)) return says("statement", "is no object");
  const subject = statement["_type"] === "https://in-toto.io/Statement/v0.1"
    ? object({ name: text, digest: digestSet }, NONE)
    : ((value, place) => [...resourceDescriptor(NONE)(value, place), ...(isMembers(value) && value["digest"] === undefined ? says(place, "has no digest") : [])]) satisfies Rule;
  const members = object({ _type: matching(/^https:\/\/in-toto\.io\/Statement\/v(?:0\.1|1)$/, "type of a statement"), subject: listOf(subject), predicateType: uri, "predicate?": anyObject }, NONE);
  return [...members(statement, "statement"), ...unique(statement["subject"], "statement.subject"), ...predicateProblems(String(statement["predicateType"]), statement["predicate"], declared)];
}
