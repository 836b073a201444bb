import type { OpInit, Output, StepDetails, Vertex } from "./vertex.ts";
import { onlyOutput } from "./vertex.ts";

/** Bytes from outside, before they are an op. */
export interface SourceRequest {
  /** `docker-image://…`, `local://…`, `git://…`, `https://…`, `oci-layout://…`. */
  readonly identifier: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
}

/** Only these schemes give different bytes for different platforms. */
const PLATFORM_SCHEMES = /^(docker-image|oci-layout):\/\//;

export function sourceOutput(request: SourceRequest, details: StepDetails): Output {
  const vertex: Vertex = {
    inputs: () => [],
    compose: ({ platform, localUniqueId }) => {
      const isUnique = request.identifier.startsWith("local://") && request.attrs["local.session"] === undefined;
      const attrs = { ...request.attrs, ...(isUnique ? { "local.unique": localUniqueId } : {}) };
      const op: OpInit = {
        op: { case: "source", value: { identifier: request.identifier, attrs } },
        constraints: {},
        ...(PLATFORM_SCHEMES.test(request.identifier) ? { platform: details.platform ?? platform } : {}),
      };
      return { op, details, capabilities: [...request.capabilities, ...(isUnique ? ["source.local.unique"] : [])] };
    },
  };
  return onlyOutput(vertex);
}

/** `ref` is normalised, with its tag or digest. */
export function imageSource(ref: string, resolveMode: "default" | "pull" | "local"): SourceRequest {
  return {
    identifier: `docker-image://${ref}`,
    attrs: resolveMode === "default" ? {} : { "image.resolvemode": resolveMode },
    capabilities: ["source.image", ...(resolveMode === "pull" ? ["source.image.resolvemode"] : [])],
  };
}

export interface LayoutStore {
  readonly sessionId: string;
  readonly storeId: string;
}

export function layoutSource(ref: string, { sessionId, storeId }: LayoutStore): SourceRequest {
  const attrs = withoutEmpty({ "oci.session": sessionId, "oci.store": storeId });
  return { identifier: `oci-layout://${ref}`, attrs, capabilities: ["source.ocilayout"] };
}

export interface LocalSource {
  /** Name under which the session lends the directory. */
  readonly name: string;
  /** Empty where there is no session. */
  readonly sessionId: string;
  readonly sharedKeyHint: string;
  /** JSON arrays; empty for none. */
  readonly followPaths: string;
  readonly excludePatterns: string;
  /** The client is to send every file, not to compare. */
  readonly sendsAll: boolean;
}

export function localSource(local: LocalSource): SourceRequest {
  const rows = [
    ["local.session", "source.local.sessionid", local.sessionId],
    ["local.followpaths", "source.local.followpaths", local.followPaths],
    ["local.excludepatterns", "source.local.excludepatterns", local.excludePatterns],
    ["local.sharedkeyhint", "source.local.sharedkeyhint", local.sharedKeyHint],
    // Any solver takes it: it only saves work.
    ["local.differ", undefined, local.sendsAll ? "none" : ""],
  ] as const;
  const used = rows.filter(([, , value]) => value !== "");
  return {
    identifier: `local://${local.name}`,
    attrs: Object.fromEntries(used.map(([attr, , value]) => [attr, value])),
    capabilities: ["source.local", ...used.flatMap(([, capability]) => capability ?? [])],
  };
}

export interface WebSource {
  readonly url: string;
  readonly filename: string;
  /** Digest of the bytes; empty for none. */
  readonly checksum: string;
}

export function webSource({ url, filename, checksum }: WebSource): SourceRequest {
  return {
    identifier: url,
    attrs: withoutEmpty({ "http.filename": filename, "http.checksum": checksum }),
    capabilities: ["source.http", ...(checksum === "" ? [] : ["source.http.checksum"])],
  };
}

export interface GitSource {
  /** `host/path#ref:subdir`: the same whatever the protocol. */
  readonly id: string;
  /** What git is told to fetch. */
  readonly remote: string;
  readonly isSsh: boolean;
  readonly keepGitDir: boolean;
  readonly checksum: string;
  readonly skipSubmodules: boolean;
  /** `checkout`, `commit` or empty. */
  readonly mtime: string;
  readonly fetchByCommit: boolean;
}

/** Secrets of these names are offered to git, where the session has them. */
const GIT_SECRETS = { "git.authtokensecret": "GIT_AUTH_TOKEN", "git.authheadersecret": "GIT_AUTH_HEADER" } as const;

/** Host keys are not asked for over the network: an op must not depend on what answers at the time. */
export function gitSource(git: GitSource): SourceRequest {
  const rows = [
    ["git.keepgitdir", "source.git.keepgitdir", git.keepGitDir ? "true" : ""],
    ["git.fullurl", "source.git.fullurl", git.remote],
    ["git.checksum", "source.git.checksum", git.checksum],
    ["git.skipsubmodules", "source.git.skipsubmodules", git.skipSubmodules ? "true" : ""],
    ["git.mtime", "source.git.mtime", git.mtime],
    ["git.fetchbycommit", "source.git.fetchbycommit", git.fetchByCommit ? "true" : ""],
    ["git.mountsshsock", "source.git.mountsshsock", git.isSsh ? "default" : ""],
  ] as const;
  const used = rows.filter(([, , value]) => value !== "");
  return {
    identifier: `git://${git.id}`,
    attrs: { ...GIT_SECRETS, ...Object.fromEntries(used.map(([attr, , value]) => [attr, value])) },
    capabilities: ["source.git", ...used.map(([, capability]) => capability), ...(git.isSsh ? ["source.git.knownsshhosts"] : [])],
  };
}

function withoutEmpty(attrs: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(attrs).filter(([, value]) => value !== ""));
}
