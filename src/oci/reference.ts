/**
 * Names of images as people write them, and as registries need them.
 *
 * The grammar is distribution's, with Docker's short forms: `alpine` is `docker.io/library/alpine`.
 */
export interface Reference {
  /** Registry as named in references: `docker.io` for Docker Hub, whatever host serves it. */
  readonly domain: string;
  readonly path: string;
  readonly tag?: string;
  /** Checked in form only; sha384 and sha512 are possible. */
  readonly digest?: string;
}

const DOCKER_HUB = "docker.io";
const OFFICIAL = "library/";
/** distribution-spec leaves the limit open; Docker's registry and client both draw it here. */
const PATH_LENGTH_MAX = 255;

const LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const HOST = String.raw`(?:${LABEL}(?:\.${LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?`;
const COMPONENT = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const TAG = String.raw`\w[\w.-]{0,127}`;
const DIGEST = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";

const FULL = new RegExp(`^(?:(${HOST})/)?(${COMPONENT}(?:/${COMPONENT})*)(?::(${TAG}))?(?:@(${DIGEST}))?$`);
const WHOLE_TAG = new RegExp(`^${TAG}$`);
const WHOLE_DIGEST = new RegExp(`^${DIGEST}$`);
const IMAGE_ID = /^[a-f0-9]{64}$/;
const DIGEST_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/** Any form that `docker pull` takes, short names included. Throws InvalidReferenceError. */
export function parseReference(text: string): Reference {
  if (IMAGE_ID.test(text)) throw new InvalidReferenceError(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  const [domain, remainder] = splitDomain(text);
  const name = remainder.split(":", 1)[0] ?? "";
  if (name.toLowerCase() !== name) throw new InvalidReferenceError(`invalid reference format: repository name (${name}) must be lowercase`);
  return parseFull(`${domain}/${remainder}`);
}

/** The name as it stands, without Docker's short forms: the first component may be a registry whatever it looks like. Throws InvalidReferenceError. */
export function parseWritten(text: string): Omit<Reference, "domain"> {
  if (text === "") throw new InvalidReferenceError("repository name must have at least one component");
  return parseFull(text);
}

/** Adds `latest` where there is neither tag nor digest. */
export function tagNameOnly(reference: Reference): Reference {
  return isNameOnly(reference) ? { ...reference, tag: "latest" } : reference;
}

export function isNameOnly(reference: Reference): boolean {
  return reference.tag === undefined && reference.digest === undefined;
}

/** Keeps a tag that is there: `name:tag@digest` says what it was resolved from. */
export function withDigest(reference: Reference, digest: string): Reference {
  if (!WHOLE_DIGEST.test(digest)) throw new InvalidReferenceError("invalid digest format");
  return { ...reference, digest };
}

export function withTag(reference: Reference, tag: string): Reference {
  if (!WHOLE_TAG.test(tag)) throw new InvalidReferenceError("invalid tag format");
  return { ...reference, tag };
}

/** The repository alone. */
export function trimReference({ domain, path }: Reference): Reference {
  return { domain, path };
}

/** `docker.io/library/alpine`. */
export function repositoryName({ domain, path }: Reference): string {
  return domain === "" ? path : `${domain}/${path}`;
}

/** `alpine`: the name as Docker shows it. */
export function familiarName(reference: Reference): string {
  if (reference.domain !== DOCKER_HUB) return repositoryName(reference);
  const { path } = reference;
  const official = path.startsWith(OFFICIAL) && !path.includes("/", OFFICIAL.length);
  return official ? path.slice(OFFICIAL.length) : path;
}

export function familiarString(reference: Reference): string {
  return familiarName(reference) + suffix(reference);
}

/** The full form, the same for every way of writing one name. */
export function formatReference(reference: Reference): string {
  return repositoryName(reference) + suffix(reference);
}

/** Texts are distribution's, since frontends print them. */
export class InvalidReferenceError extends Error {
  override readonly name = "InvalidReferenceError";
  readonly code = "invalid-reference";
  readonly retryable = false;
}

function suffix({ tag, digest }: Reference): string {
  return `${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** A first component is a registry if it looks like a host, is `localhost`, or could be no path. */
function splitDomain(text: string): readonly [domain: string, remainder: string] {
  const slash = text.indexOf("/");
  if (slash < 0) return [DOCKER_HUB, OFFICIAL + text];
  const first = text.slice(0, slash);
  const isHost = first === "localhost" || /[.:]/.test(first) || first.toLowerCase() !== first;
  const domain = !isHost || first === "index.docker.io" ? DOCKER_HUB : first;
  const remainder = isHost ? text.slice(slash + 1) : text;
  return domain === DOCKER_HUB && !remainder.includes("/") ? [domain, OFFICIAL + remainder] : [domain, remainder];
}

function parseFull(text: string): Reference {
  const match = FULL.exec(text);
  if (match === null) {
    const wouldMatch = FULL.test(text.toLowerCase());
    throw new InvalidReferenceError(wouldMatch ? "repository name must be lowercase" : "invalid reference format");
  }
  const [, domain = "", path = "", tag, digest] = match;
  if (path.length > PATH_LENGTH_MAX) throw new InvalidReferenceError(`repository name must not be more than ${PATH_LENGTH_MAX} characters`);
  if (digest !== undefined) checkDigest(digest);
  return { domain, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

function checkDigest(digest: string): void {
  const colon = digest.indexOf(":");
  const lengthWanted = DIGEST_LENGTHS[digest.slice(0, colon)];
  const encoded = digest.slice(colon + 1);
  if (lengthWanted === undefined) throw new InvalidReferenceError("unsupported digest algorithm");
  if (encoded.length !== lengthWanted) throw new InvalidReferenceError("invalid checksum digest length");
  if (!/^[a-f0-9]+$/.test(encoded)) throw new InvalidReferenceError("invalid checksum digest format");
}
