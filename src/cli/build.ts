import { writeFile } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import type { BuildOutcome, BuildRequest } from "../doors/build.ts";
import { scoutDirectory, type DirectoryScout } from "../host/directory-scout.ts";
import { callOf, runCall } from "./build-call.ts";
import { BUILD_FLAGS, parseBuildFlags, resourcesOf, type BuildFlags } from "./build-flags.ts";
import type { Command, CommandIo } from "./command.ts";
import { contextArgument } from "./context-argument.ts";
import { EXIT } from "./exit-code.ts";
import { parsePairs } from "./pairs.ts";
import { progressKind } from "./progress-flag.ts";
import { removeStale, requirePlace } from "./result-file.ts";
import { standardInput } from "./standard-input.ts";
import { stateRoot } from "./state-root.ts";
import { UsageError } from "./usage-error.ts";
import { annotations, withWarnings } from "./warnings.ts";

export const command: Command = {
  name: "build",
  summary: "build an image from a Dockerfile, with its provenance",
  usage: usage(),
  async run(args, io) {
    const flags = parseBuildFlags(args);
    const progress = flags.on("quiet") ? quietly(flags.text("progress")) : progressKind(flags.text("progress") ?? io.env["BUILDKIT_PROGRESS"] ?? "auto", io);
    for (const warning of flags.warnings) io.stderr(`WARNING: ${warning}\n`);
    const call = callOf(flags);
    const form = flags.on("debug") ? "expanded" : "short";
    if (call !== undefined) return await runCall(call, { request: await requestOf(flags, io), progress, warnings: form, dockerfile: dockerfilePath(flags) }, io);
    for (const name of RESULT_FILES) requirePlace(name, flags.text(name), io.cwd);
    await removeStale(flags.text("iidfile"), io.cwd);
    const request = await requestOf(flags, io);
    const scout = scoutOf(request);
    // Flags that are wrong are told of before the engine is loaded, which takes longer than all of this.
    const { build } = await import("../doors/build.ts");
    const run = build({ ...request, ...(scout === undefined ? {} : { scout }) });
    const warnings = await withWarnings(progress, run.events, { io, form });
    io.stderr(annotations(warnings, dockerfilePath(flags), io));
    const outcome = await run.result;
    await writeResults(outcome, flags, io);
    if (progress === "plain" || progress === "tty") io.stderr(closingLines(outcome));
    return EXIT.ok;
  },
};

function quietly(progress: string = "auto"): "quiet" {
  if (progress !== "auto" && progress !== "quiet") throw new UsageError(`progress=${progress} and quiet cannot be used together`);
  return "quiet";
}

/** Of a large context: while the engine is loaded, what it will ask for first is looked at. */
function scoutOf({ context, root }: BuildRequest): DirectoryScout | undefined {
  return typeof context === "string" && isAbsolute(context) ? scoutDirectory(context, root) : undefined;
}

const RESULT_FILES = ["iidfile", "metadata-file"] as const;

async function requestOf(flags: BuildFlags, io: CommandIo): Promise<BuildRequest> {
  return {
    ...(await contextArgument({ context: flags.context, file: flags.text("file"), cwd: io.cwd, stdin: standardInput(io) })),
    tags: flags.all("tag"),
    ...optional("target", flags.text("target")),
    buildArgs: parsePairs("build-arg", flags.all("build-arg"), io.env),
    labels: parsePairs("label", flags.all("label"), {}),
    annotations: flags.all("annotation"),
    buildContexts: parsePairs("build-context", flags.all("build-context"), {}),
    platforms: (flags.all("platform").length === 0 ? [io.env["DOCKER_DEFAULT_PLATFORM"] ?? ""] : flags.all("platform")).flatMap((text) => (text === "" ? [] : text.split(","))),
    noCache: flags.on("no-cache"),
    noCacheStages: flags.all("no-cache-filter"),
    extraHosts: flags.all("add-host"),
    ...optional("shmSize", flags.text("shm-size")),
    ulimits: flags.all("ulimit"),
    resources: resourcesOf(flags),
    ...optional("cgroupParent", flags.text("cgroup-parent")),
    cacheFrom: flags.all("cache-from"),
    cacheTo: flags.all("cache-to"),
    pull: flags.on("pull"),
    network: networkMode(flags.text("network")),
    proxyNetwork: flags.on("proxy-network"),
    allow: flags.all("allow"),
    policies: flags.all("policy"),
    secretFlags: flags.all("secret"),
    ssh: flags.all("ssh"),
    outputs: flags.all("output"),
    push: flags.on("push"),
    load: flags.on("load"),
    lineMap: flags.text("line-map") === undefined || flags.on("line-map"),
    attest: flags.all("attest"),
    ...optional("provenance", flags.text("provenance")),
    ...optional("sbom", flags.text("sbom")),
    ...optional("attestStore", flags.text("attest-store")),
    ...optional("provenanceEnvDir", flags.text("provenance-env-dir")),
    attestRun: oneOf("attest-run", flags.text("attest-run") ?? "changed", ["always", "changed"]),
    ...compatOf(flags.text("compat")),
    reproducible: flags.on("reproducible"),
    secretsInEvidence: oneOf("secrets-in-evidence", flags.text("secrets-in-evidence") ?? "redact", ["redact", "refuse", "allow"]),
    historyArgs: oneOf("history-args", flags.text("history-args") ?? "keep", ["keep", "drop"]),
    sandbox: oneOf("sandbox", flags.text("sandbox") ?? "auto", ["auto", "runc", "crun", "namespaces", "chroot"]),
    root: stateRoot(flags.text("root"), io),
    env: io.env,
    workingDirectory: io.cwd,
    stdout: (chunk) => io.streamOut(chunk),
    signal: io.signal,
  };
}

function optional<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } {
  // The computed key is K by construction.
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: string };
}

/** In buildx's words, but for what could be done about it there. */
function networkMode(text: string = ""): "default" | "none" | "host" {
  if (text === "") return "default";
  if (text === "default" || text === "none" || text === "host") return text;
  throw new UsageError(`network mode ${JSON.stringify(text)} not supported by buildkit: use default, none or host`);
}

function oneOf<Word extends string>(name: string, text: string, words: readonly Word[]): Word {
  const word = words.find((each) => each === text);
  if (word === undefined) throw new UsageError(`--${name}=${text}: use ${words.slice(0, -1).join(", ")} or ${words.at(-1)}`);
  return word;
}

function compatOf(text: string | undefined): Pick<BuildRequest, "compat"> {
  if (text === undefined) return {};
  if (text === "lambda" || text === "cloud-run" || text === "docker-v2") return { compat: text };
  throw new UsageError(`--compat=${text}: use lambda, cloud-run or docker-v2`);
}

/** As the caller would name it; undefined where it is no file of this machine. */
function dockerfilePath(flags: BuildFlags): string | undefined {
  const { context = "-" } = flags;
  const file = flags.text("file");
  if (file !== undefined) return file === "-" || file.includes("://") ? undefined : file;
  return context === "-" || context.includes("://") || context.startsWith("git@") ? undefined : join(context, "Dockerfile");
}

async function writeResults(outcome: BuildOutcome, flags: BuildFlags, io: CommandIo): Promise<void> {
  const iidfile = flags.text("iidfile");
  if (iidfile !== undefined && outcome.imageId !== undefined) await writeFile(resolve(io.cwd, iidfile), outcome.imageId);
  const metadataFile = flags.text("metadata-file");
  if (metadataFile !== undefined) await writeFile(resolve(io.cwd, metadataFile), outcome.metadata);
  const quiet = flags.on("quiet") || flags.text("progress") === "quiet";
  if (quiet && outcome.imageId !== undefined) io.stdout(`${outcome.imageId}\n`);
}

/** Behind the digest and the place of the evidence, which the build told last: where steps ran, and what to ask next. */
function closingLines({ sandboxes, reference, evidence }: BuildOutcome): string {
  return [
    ...(sandboxes.length === 0 ? [] : [`sandbox: ${sandboxes.join(", ")}\n`]),
    ...(reference === undefined || evidence?.kind === "none" ? [] : [`next: stemma trace ${reference} --path PATH tells which line brought a file\n`]),
  ].join("");
}

function usage(): string {
  const rows = Object.entries(BUILD_FLAGS).filter(([, { isHidden }]) => isHidden !== true).map(([name, { short, takes, help }]) => {
    const words = `${short === undefined ? "    " : `-${short}, `}--${name}${takes === "nothing" ? "" : " VALUE"}`;
    return `  ${words.padEnd(26)}  ${help}`;
  });
  return `Usage: stemma build [flags] DIRECTORY|URL|-\n\n${rows.join("\n")}`;
}
