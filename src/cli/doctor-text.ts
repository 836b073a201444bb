import type { Diagnosis, SnapshotterReport } from "../doors/doctor.ts";
import { humanSize } from "../doors/store.ts";

const INDENT = 14;
const GIB = 1024 ** 3;
const HOUR_MS = 3_600_000;

/** For people: one subject a line, what goes on about it below. */
export function describeDiagnosis(diagnosis: Diagnosis): string {
  const { platform, nodeVersion, state, settings } = diagnosis;
  const sections: ReadonlyArray<readonly [subject: string, lines: readonly string[]]> = [
    ["machine", [`${[platform.os, platform.architecture, platform.variant].filter(Boolean).join("/")}, Node ${nodeVersion}`]],
    ["RUN", [runs(diagnosis)]],
    ["sandbox", sandboxes(diagnosis)],
    ["network", ["RUN has the host's; --network=none isolates it"]],
    ["emulation", [diagnosis.emulated.length === 0 ? "none: a RUN for another architecture needs qemu-user-static with binfmt support" : `a RUN for ${diagnosis.emulated.join(", ")} goes through it`]],
    ["mounts", [mounts(diagnosis)]],
    ["snapshotter", [snapshotter(diagnosis.snapshotter)]],
    ["state", [`${state.path}${state.exists ? "" : " (not there yet)"}, ${(state.freeBytes / GIB).toFixed(1)} GiB free`, ...(state.writable ? [] : [`${state.nearest} cannot be written: use another --root`])]],
    ["settings", [`${settings.path}${settings.exists ? "" : " (not there: defaults)"}`, ...(settings.problem === undefined ? [] : [settings.problem])]],
    ["collection", collected(diagnosis)],
    ["proxies", diagnosis.proxies.length === 0 ? ["none"] : diagnosis.proxies.map(({ name, value }) => `${name}=${value}`)],
    ["authorities", authorities(diagnosis)],
    ["git", [diagnosis.git ?? "not installed: no commit is checked or recorded"]],
  ];
  return sections.map(([subject, lines]) => lines.flatMap((text) => text.split("\n")).map((line, index) => `${(index === 0 ? subject : "").padEnd(INDENT)}${line}\n`).join("")).join("");
}

function runs({ canRun, sandbox }: Diagnosis): string {
  if (canRun) return "can run here";
  return sandbox.chosen === undefined ? "cannot run here; a Dockerfile without RUN needs no sandbox" : "cannot run here: there is no place for state";
}

/** The one that is used, then why the better ones are not. */
function sandboxes({ sandbox: { chosen, runtimes } }: Diagnosis): readonly string[] {
  const at = runtimes.findIndex(({ runtime }) => runtime === chosen);
  const report = runtimes[at];
  if (report === undefined) return ["none", ...runtimes.map(({ runtime, reason }) => `not ${runtime}: ${reason}`)];
  const strength = report.reason === "" ? "with a seccomp filter" : report.reason;
  return [`${report.runtime}, ${strength}`, ...runtimes.slice(0, at).map(({ runtime, reason }) => `not ${runtime}: ${reason}`)];
}

function mounts({ mountNamespace }: Diagnosis): string {
  if (mountNamespace.kind === "unavailable") return mountNamespace.reason;
  return `in a mount namespace of our own, with ${mountNamespace.manyIds ? "all user ids" : "one user id: files of others cannot be made"}`;
}

function snapshotter(report: SnapshotterReport): string {
  switch (report.kind) {
    case "overlay":
      return "overlay";
    case "copy":
      return `copy, which is slower: no overlay here (${report.reason})`;
    case "unknown":
      return `unknown: ${report.reason}`;
  }
}

function collected({ collection }: Diagnosis): readonly string[] {
  if (collection.length === 0) return ["none: stemma prune makes room"];
  return collection.map(({ all, keepMs, filters, reservedBytes, maxUsedBytes, minFreeBytes }) => {
    const bounds = [["maxUsedSpace", maxUsedBytes], ["minFreeSpace", minFreeBytes], ["reservedSpace", reservedBytes]] as const;
    const limits = bounds.filter(([, bytes]) => bytes > 0).map(([name, bytes]) => `${name} ${humanSize(bytes)}`);
    const age = keepMs > 0 ? [`not used for ${keepMs / HOUR_MS}h`] : [];
    return `after each build, ${[all ? "all" : "all but blobs", ...(filters.length === 0 ? [] : [filters.join(" or ")]), ...age, ...limits].join(", ")}`;
  });
}

function authorities({ authorities: sources }: Diagnosis): readonly string[] {
  return sources.map(({ from, path, problem }) => {
    const source = from === "machine" ? (path ?? "the list that Node brings, as this machine has none in a known place") : `${from}=${path ?? ""}`;
    return problem === undefined ? source : `${source}: cannot be read (${problem}), and no TLS connection can be made`;
  });
}
