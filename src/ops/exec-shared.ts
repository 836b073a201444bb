import { posix } from "node:path";
import { digestOf } from "../content/digest.ts";
import { goJson } from "../content/go-json.ts";
import { CacheSharingOpt, ExecOpSchema, MountContentCache, MountType, message, type ExecOp, type Meta, type Mount } from "../llb/op.ts";
import type { Platform } from "../oci/platform.ts";
import { renderJson } from "../provenance/json-tree.ts";
import { messageJson } from "../provenance/op-json.ts";
import type { KnownHashes } from "../snapshot/shared-checksum.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { ContentSelection } from "../snapshot/tree-selection.ts";
import type { SharedMap } from "../solver/shared-cache.ts";
import { outermostPaths, selectorDigest, sharedContent } from "./shared-content.ts";

const ROOT = "/";
const NO_INPUT = -1n;
const NO_OUTPUT = -1n;

/** A RUN as BuildKit names it (solver/llbsolver/ops/exec.go, `CacheMap`). */
export function execSharedMap(op: ExecOp, platform: Platform, known: KnownHashes): SharedMap<LayerChain> {
  const inputCount = Math.max(-1, ...op.mounts.map(({ input }) => Number(input))) + 1;
  const uses = Array.from({ length: inputCount }, (_, i) => op.mounts.filter((mount) => Number(mount.input) === i && readsInput(mount)));
  const paths = uses.map((mounts) => mounts.map(({ selector }) => posix.join(ROOT, selector)));
  return {
    digests: [digestOf(Buffer.from(execText(op, platform)))],
    selectors: paths.map((used) => (used.length === 0 ? "" : selectorDigest(used))),
    contentOf: uses.map((mounts, i) => (mounts.length > 0 && mounts.every(isKnownByContent) ? sharedContent(selectionsOf(paths[i] ?? []), known) : undefined)),
  };
}

function execText(op: ExecOp, platform: Platform): string {
  const mounts = op.mounts.map((mount) => ({ ...mount, selector: "", ...(isCleared(mount) ? { cacheOpt: { $typeName: "pb.CacheOpt" as const, ID: "", sharing: CacheSharingOpt.SHARED } } : {}) }));
  const extraHosts = (op.meta?.extraHosts ?? []).map((host) => ({ ...host, IP: "" }));
  const { proxyEnv: _, ...meta } = op.meta ?? noMeta();
  const named = message(ExecOpSchema, { ...op, meta: { ...meta, extraHosts }, mounts: isPlainRoot(mounts) ? [] : mounts });
  const text = renderJson({ Type: "buildkit.exec.v0", Exec: messageJson(ExecOpSchema, named), ...platformMembers(platform) }, "compact");
  // BuildKit takes a host's address for no part of it. What a step makes may depend on it, so such a step is shared among us only.
  const addresses = (op.meta?.extraHosts ?? []).map(({ Host, IP }) => [Host, IP]);
  return addresses.length === 0 ? text : `${text}\n${goJson(addresses)}`;
}

/** In the order of BuildKit's structs. */
export function platformMembers({ os, architecture, variant, "os.version": version, "os.features": features = [] }: Platform): Record<string, string | readonly string[] | undefined> {
  return { OS: os, Arch: architecture, Variant: variant, OSVersion: version, OSFeatures: features.length === 0 ? undefined : features };
}

/** What a cache is called counts only where it says no more than its place does. */
function isCleared({ cacheOpt, dest }: Mount): boolean {
  if (cacheOpt === undefined) return false;
  const [, afterName] = /^[^/]*\/(.*)$/s.exec(cacheOpt.ID) ?? [];
  return cacheOpt.sharing !== CacheSharingOpt.SHARED || (cacheOpt.ID !== dest && afterName !== dest);
}

/** BuildKit names a RUN that has only its root without mounts, as its older versions did. */
function isPlainRoot(mounts: readonly Mount[]): boolean {
  const [only, ...others] = mounts;
  return only !== undefined && others.length === 0 && only.dest === ROOT && !only.readonly && only.mountType === MountType.BIND
    && only.cacheOpt === undefined && only.SSHOpt === undefined && only.secretOpt === undefined && only.resultID === "";
}

export function readsInput({ input, mountType }: Mount): boolean {
  return input !== NO_INPUT && mountType !== MountType.SECRET && mountType !== MountType.SSH && mountType !== MountType.TMPFS;
}

/** BuildKit goes by the last mount of an input; here each of them has to allow it. */
export function isKnownByContent({ output, readonly, selector, dest, contentCache }: Mount): boolean {
  const isSafe = output === NO_OUTPUT || readonly || posix.join(ROOT, selector) === ROOT;
  if (contentCache === MountContentCache.OFF) return false;
  return isSafe && (contentCache === MountContentCache.ON || dest !== ROOT);
}

function selectionsOf(paths: readonly string[]): readonly ContentSelection[] {
  const outermost = outermostPaths(paths).toSorted((a, b) => (a < b ? -1 : 1));
  const all = outermost.includes(ROOT);
  return (all ? [ROOT] : outermost).map((path) => ({ path, followLinks: !all, wildcard: false, includePatterns: [], excludePatterns: [], requiredPaths: [] }));
}

function noMeta(): Meta {
  throw new RangeError("a command without its meta data");
}
