import type { Digest } from "../content/digest.ts";
import { MountType, NetMode, SecurityMode, type ExecOp } from "../llb/op.ts";
import { parseReference, repositoryName } from "../oci/reference.ts";
import type { Platform } from "../oci/platform.ts";
import { redactUrl } from "../scrub/url.ts";
import type { OpenInput } from "./hermetic.ts";

export interface ImageCapture {
  /** `docker.io/library/alpine:3`, with `@sha256:…` when it was asked for by digest. */
  readonly ref: string;
  readonly platform: Platform | undefined;
  readonly digest: Digest | undefined;
  /** Of an OCI layout that the client lent, not of a registry. */
  readonly layout: boolean;
}

export interface GitCapture {
  /** `remote#ref`, without a subdirectory. */
  readonly url: string;
  readonly commit: string;
}

export interface HttpCapture {
  readonly url: string;
  /** Of the body. */
  readonly digest: Digest;
}

export interface LocalCapture {
  readonly name: string;
  /** Root of the Merkle tree over path, mode and content of what was used; undefined when nothing hashed it. */
  readonly digest: Digest | undefined;
}

/** A secret or an ssh agent that was asked for. Its value is never here. */
export interface LentCapture {
  readonly id: string;
  readonly optional: boolean;
}

export interface IsolationCapture {
  readonly runtime: string;
  readonly seccomp: boolean;
  readonly rootless: boolean;
}

/** A request of a RUN's whose answer no digest names. */
export interface RequestCapture {
  /** Digest of the operation; undefined for a process in a frontend's container, which is none. */
  readonly op: Digest | undefined;
  /** The command. */
  readonly name: string;
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly reason: string;
}

/** What a RUN asked of the network, where its requests went through our proxy; undefined: it was asked before anybody looked. */
export interface SeenRequests {
  readonly files: readonly HttpCapture[];
  readonly incomplete: ReadonlyArray<{ readonly method: string; readonly url: string; readonly reason: string }>;
}

/** One RUN. */
export interface RunCapture {
  /** `proxy`: nothing but requests that are captured. */
  readonly network: "host" | "none" | "proxy";
  /** Inputs whose content nobody captures. */
  readonly open: readonly OpenInput[];
  /** Undefined when it was not run by this build and nobody remembers. */
  readonly isolation: IsolationCapture | undefined;
}

/** What one result was made of: what each of its steps used, merged. Order and repetition have no meaning. */
export interface Capture {
  readonly images: readonly ImageCapture[];
  readonly git: readonly GitCapture[];
  readonly http: readonly HttpCapture[];
  readonly locals: readonly LocalCapture[];
  readonly secrets: readonly LentCapture[];
  readonly ssh: readonly LentCapture[];
  readonly runs: readonly RunCapture[];
  /** Of the RUNs whose network is a proxy. */
  readonly requests: readonly RequestCapture[];
  /** True when the result of a step came out of a cache that another machine wrote, or was made of what did: nobody here knows what made it. */
  readonly imported: boolean;
  /** True when a step used something that cannot be named here. */
  readonly incomplete: boolean;
}

export const EMPTY_CAPTURE: Capture = { images: [], git: [], http: [], locals: [], secrets: [], ssh: [], runs: [], requests: [], imported: false, incomplete: false };

/** How a RUN that may use the network did so. `op`: the digest of the operation, if it is one. */
export interface ProxiedRun {
  readonly op: Digest | undefined;
  readonly seen: SeenRequests | undefined;
}

/** What a RUN asks of the client and of the network. `isolation` is that of the sandbox that ran it; `proxied` is undefined where there was no proxy. */
export function execCapture(exec: ExecOp, isolation: IsolationCapture | undefined, proxied?: ProxiedRun): Capture {
  const secretMounts = exec.mounts.filter(({ mountType }) => mountType === MountType.SECRET).map(({ secretOpt }) => ({ id: secretOpt?.ID ?? "", optional: secretOpt?.optional ?? false }));
  const secretEnv = exec.secretenv.map(({ ID, optional }) => ({ id: ID, optional }));
  const ssh = exec.mounts.filter(({ mountType }) => mountType === MountType.SSH).map(({ SSHOpt }) => ({ id: SSHOpt?.ID ?? "", optional: SSHOpt?.optional ?? false }));
  return {
    ...EMPTY_CAPTURE,
    secrets: [...secretMounts, ...secretEnv],
    ssh,
    http: proxied?.seen?.files ?? [],
    requests: proxied === undefined ? [] : uncapturedRequests(exec, proxied),
    runs: [{ network: exec.network === NetMode.NONE ? "none" : proxied === undefined ? "host" : "proxy", open: openInputs(exec), isolation }],
  };
}

/** Of a result that a cache gave, and whose maker had no proxy, nobody knows what was asked for. */
function uncapturedRequests({ meta }: ExecOp, { op, seen }: ProxiedRun): readonly RequestCapture[] {
  const name = meta?.args.join(" ") ?? "";
  if (seen === undefined) return [{ op, name, method: undefined, url: undefined, reason: "not_captured" }];
  return seen.incomplete.map(({ method, url, reason }) => ({ op, name, method, url, reason }));
}

/** Whether they were given or not: that they are optional says that the result depends on it. */
function openInputs({ mounts, secretenv, security, cdiDevices }: ExecOp): readonly OpenInput[] {
  const has = (type: MountType): boolean => mounts.some(({ mountType }) => mountType === type);
  const found: ReadonlyArray<readonly [OpenInput, boolean]> = [
    ["cache-mount", has(MountType.CACHE)],
    ["device", cdiDevices.length > 0],
    ["secret", has(MountType.SECRET) || secretenv.length > 0],
    ["security", security === SecurityMode.INSECURE],
    ["ssh", has(MountType.SSH)],
  ];
  return found.flatMap(([input, isUsed]) => (isUsed ? [input] : []));
}

export function mergeCaptures(captures: Iterable<Capture>): Capture {
  const all = [...captures];
  return {
    images: all.flatMap(({ images }) => images),
    git: all.flatMap(({ git }) => git),
    http: all.flatMap(({ http }) => http),
    locals: all.flatMap(({ locals }) => locals),
    secrets: all.flatMap(({ secrets }) => secrets),
    ssh: all.flatMap(({ ssh }) => ssh),
    runs: all.flatMap(({ runs }) => runs),
    requests: all.flatMap(({ requests }) => requests),
    imported: all.some(({ imported }) => imported),
    incomplete: all.some(({ incomplete }) => incomplete),
  };
}

/** The capture in the one form that equal builds share: each thing once, in BuildKit's order. Credentials are no part of what tells things apart. */
export function settledCapture(capture: Capture): Capture {
  const images = distinct(capture.images, ({ ref, platform: p, layout }) => [ref, layout, p?.os, p?.architecture, p?.variant, p?.["os.version"]]);
  const git = distinct(capture.git, ({ url }) => [redactUrl(url)]);
  // What a list of packages holds is another thing a minute later: both are inputs.
  const http = distinct(capture.http, ({ url, digest }) => [redactUrl(url), digest]);
  return {
    images: sortedBy(withoutDigestTwins(images), ({ ref }) => ref),
    git: sortedBy(git, ({ url }) => redactUrl(url)),
    http: sortedBy(http, ({ url }) => redactUrl(url)),
    locals: sortedBy(distinct(capture.locals, ({ name, digest }) => [name, digest]), ({ name }) => name),
    secrets: lentOnce(capture.secrets),
    ssh: lentOnce(capture.ssh.map(({ id, optional }) => ({ id: id === "" ? "default" : id, optional }))),
    runs: distinct(capture.runs, (run) => [run]),
    requests: sortedBy(distinct(capture.requests, (request) => [request]), ({ op = "", url = "", method = "", reason }) => [op, url, method, reason].join("\0")),
    imported: capture.imported,
    incomplete: capture.incomplete,
  };
}

/** A tag is resolved to a digest and then used by it: both name one image, and the tag says more. */
function withoutDigestTwins(images: readonly ImageCapture[]): readonly ImageCapture[] {
  const names = images.map(({ ref }) => {
    const reference = parseReference(ref);
    return { name: `${repositoryName(reference)}:${reference.tag ?? "latest"}`, byDigest: reference.digest !== undefined };
  });
  const byTag = new Set(names.filter(({ byDigest }) => !byDigest).map(({ name }) => name));
  return images.filter((_image, index) => {
    const found = names[index];
    return found === undefined || !found.byDigest || !byTag.has(found.name);
  });
}

/** Asked for twice, it is optional only if it was so both times. */
function lentOnce(lent: readonly LentCapture[]): readonly LentCapture[] {
  const byId = new Map<string, boolean>();
  for (const { id, optional } of lent) byId.set(id, optional && (byId.get(id) ?? true));
  return sortedBy([...byId].map(([id, optional]) => ({ id, optional })), ({ id }) => id);
}

function distinct<T>(items: readonly T[], identity: (item: T) => readonly unknown[]): readonly T[] {
  const seen = new Map<string, T>();
  for (const item of items) {
    const key = JSON.stringify(identity(item));
    if (!seen.has(key)) seen.set(key, item);
  }
  return [...seen.values()];
}

function sortedBy<T>(items: readonly T[], key: (item: T) => string): readonly T[] {
  return items.toSorted((a, b) => Buffer.compare(Buffer.from(key(a)), Buffer.from(key(b))));
}
