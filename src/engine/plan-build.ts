import { existsSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { availableParallelism } from "node:os";
import { parseAnnotation } from "../export/annotations.ts";
import { parseCompat } from "../export/compat.ts";
import { csvFields } from "../content/csv-fields.ts";
import { engineAddress } from "../export/docker-engine.ts";
import { parseOutput } from "../export/output-flag.ts";
import type { ExportTarget } from "../export/target.ts";
import { hostPlatform } from "../host/host-platform.ts";
import { normalizePlatform, parsePlatform, type Platform } from "../oci/platform.ts";
import { InvalidReferenceError, parseReference, parseWritten, type Reference } from "../oci/reference.ts";
import { parseAgent, parseAgents, type NamedAgent } from "../session/ssh-flag.ts";
import { parseSecret, type NamedSecret } from "../session/secret-flag.ts";
import type { BuildPlan } from "./build-plan.ts";
import type { BuildRequest } from "./build-request.ts";
import { planCache } from "./plan-cache.ts";
import { planContext, planNamedContext, requestPath } from "./plan-context.ts";
import { planEntitlements } from "./plan-entitlements.ts";
import { planEvidence } from "./plan-evidence.ts";
import { planAttestations } from "./plan-provenance.ts";
import { planPolicies } from "./plan-policies.ts";
import { planSteps } from "./plan-steps.ts";
import { refuseDeletion, refuseTargets } from "./plan-targets.ts";
import { RequestError } from "./request-error.ts";

/** Operations at a time where nobody said how many: steps wait for disks and networks too, not only for processors. */
const PARALLELISM_MIN = 4;

/** Decides every default and finds every contradiction of a request. Throws RequestError, ExportError and SessionError ("usage"). */
export function planBuild(request: BuildRequest): BuildPlan {
  if (!isAbsolute(request.root)) throw new RequestError("usage", `${request.root}: an absolute path is needed`);
  const context = planContext(request);
  const dockerfile = planDockerfile(request, context);
  const buildArgs = planBuildArgs(request);
  const tags = (request.tags ?? []).map(checkTag);
  const exports = planExports(request, tags);
  const plan: BuildPlan = {
    context,
    dockerfile,
    policies: planPolicies(request, { context, dockerfile }),
    target: request.target,
    buildArgs,
    labels: new Map(Object.entries(request.labels ?? {})),
    namedContexts: Object.entries(request.buildContexts ?? {}).map(([name, value]) => planNamedContext(name, value, request)),
    platforms: (request.platforms ?? []).map(planPlatform),
    steps: planSteps(request),
    pull: request.pull ?? false,
    network: request.network ?? "default",
    proxyNetwork: request.proxyNetwork ?? false,
    allowed: planEntitlements(request),
    secrets: planSecrets(request),
    agents: planAgents(request, context),
    exports,
    isWithoutOutput: (request.outputs ?? []).length === 0 && exports.every(({ kind }) => kind === "cacheonly"),
    ...planAttestations(request),
    lineMap: request.lineMap ?? true,
    attestRun: planWord("attestRun", request.attestRun ?? "changed", ["always", "changed"]),
    provenanceEnvDir: request.provenanceEnvDir === undefined ? undefined : requestPath(request, request.provenanceEnvDir),
    reproducible: request.reproducible ?? false,
    cache: planCache(request),
    secretsInEvidence: planWord("secretsInEvidence", request.secretsInEvidence ?? "redact", ["redact", "refuse", "allow"]),
    historyArgs: planWord("historyArgs", request.historyArgs ?? "keep", ["keep", "drop"]),
    parallelism: request.parallelism ?? Math.max(PARALLELISM_MIN, availableParallelism()),
  };
  refuseTargets(plan);
  return plan;
}

/** A caller without types can say anything; a word that is not understood must not pass for the default. */
function planWord<Word extends string>(name: string, word: Word, words: readonly Word[]): Word {
  if (!words.includes(word)) throw new RequestError("usage", `${name}: ${JSON.stringify(word)} is none of ${words.join(", ")}`);
  return word;
}

/** SOURCE_DATE_EPOCH of the environment is an argument that nobody typed (anchor A51). */
function planBuildArgs({ buildArgs, env }: BuildRequest): ReadonlyMap<string, string> {
  const args = new Map(Object.entries(buildArgs ?? {}));
  const epoch = env["SOURCE_DATE_EPOCH"];
  if (epoch !== undefined && epoch !== "" && !args.has("SOURCE_DATE_EPOCH")) args.set("SOURCE_DATE_EPOCH", epoch);
  return args;
}

function checkTag(text: string): string {
  const reference = parseTag(text);
  if (reference.digest !== undefined) throw new RequestError("usage", `${text}: a tag cannot have a digest, it is not known before the build`);
  return text;
}

function parseTag(text: string): Reference {
  try {
    // As it is written first: its own fault is told before that of the name that it stands for.
    parseWritten(text);
    return parseReference(text);
  } catch (error) {
    if (!(error instanceof InvalidReferenceError)) throw error;
    throw new RequestError("usage", `invalid tag ${JSON.stringify(text)}: ${error.message}`);
  }
}

function planExports(request: BuildRequest, names: readonly string[]): BuildPlan["exports"] {
  const { outputs, push, load, annotations, stdout, env } = request;
  const path = (text: string): string => requestPath(request, text);
  const compat = request.compat === undefined ? undefined : parseCompat(request.compat);
  const defaults = {
    names, compat, path,
    engine: (context: string | undefined) => ({ kind: "engine", address: engineAddress(context, env), takes: undefined }) as const,
    annotations: (annotations ?? []).flatMap(parseAnnotation),
    evidence: planEvidence(request, compat, path),
    attestArchives: request.attestStore !== undefined,
  };
  const targets = (outputs ?? []).map((text) => parseOutput(text, defaults));
  if (load === true && !targets.some(isLoaded)) targets.push(parseOutput("type=docker", defaults));
  const [first = parseOutput(push === true || names.length > 0 ? "type=image" : "type=cacheonly", defaults), ...rest] = targets;
  const all: BuildPlan["exports"] = [first, ...rest];
  const pushed = push === true ? withPush(all, () => parseOutput("type=image", defaults)) : all;
  for (const target of pushed) {
    requireNames(target);
    // Those of -t were looked at before; an output may name others.
    if ("form" in target) for (const name of target.form.names) parseTag(name);
    refuseDirectory(target);
  }
  refuseDeletion(pushed, { allow: request.allow ?? [], directory: () => path(".") });
  if (stdout === undefined && pushed.some(isStdout)) throw new RequestError("usage", "an output goes to standard output, and the caller gave no `stdout`");
  if (pushed.filter(isStdout).length > 1) throw new RequestError("usage", "only one output can go to standard output");
  return pushed;
}

function isLoaded(target: ExportTarget): boolean {
  return target.kind === "docker-tar" && target.destination.kind === "engine";
}

/** `--push` makes the image output push; where there is none it adds one. */
function withPush(targets: BuildPlan["exports"], image: () => ExportTarget): BuildPlan["exports"] {
  const pushing = (target: ExportTarget): ExportTarget => (target.kind === "image" ? { ...target, push: true } : target);
  const [first, ...rest] = targets;
  return targets.some(({ kind }) => kind === "image") ? [pushing(first), ...rest.map(pushing)] : [first, ...rest, pushing(image())];
}

function requireNames(target: ExportTarget): void {
  if (target.kind !== "image" || !target.push) return;
  if (target.form.names.length === 0) throw new RequestError("usage", "tag is needed when pushing to registry: give one with -t NAME:TAG");
}

/** A file cannot take its place: told now, and not when all is built. */
function refuseDirectory(target: ExportTarget): void {
  if (!("destination" in target) || target.destination.kind !== "path") return;
  const { path } = target.destination;
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) throw new RequestError("usage", `destination file ${path} is a directory: name a file in it`);
}

export function isStdout(target: ExportTarget): boolean {
  return "destination" in target && target.destination.kind === "stdout";
}

function planDockerfile({ dockerfile }: BuildRequest, context: BuildPlan["context"]): BuildPlan["dockerfile"] {
  if (typeof dockerfile === "object") return { kind: "text", text: dockerfile.text };
  if (dockerfile !== undefined && /^https?:\/\//.test(dockerfile)) return { kind: "remote", url: dockerfile };
  if (context.kind === "archive" || (context.kind !== "directory" && !isAbsolute(dockerfile ?? ""))) return { kind: "in-context", name: dockerfile ?? "Dockerfile" };
  const path = dockerfile ?? join(context.kind === "directory" ? context.path : "/", "Dockerfile");
  if (!isAbsolute(path)) throw new RequestError("usage", `${path}: an absolute path is needed`);
  if (existsSync(path) && !statSync(path).isFile()) throw new RequestError("missing-input", `failed to read dockerfile: ${basename(path)} is not a regular file: name one with -f`);
  const lower = join(dirname(path), "dockerfile");
  // The frontend itself falls back to the lower-case name, and only for the default one.
  if (!existsSync(path) && !(dockerfile === undefined && existsSync(lower))) {
    throw new RequestError("missing-input", `failed to read dockerfile: open ${path}: no such file or directory: name it with -f, or give another context`);
  }
  return { kind: "file", directory: dirname(path), name: basename(path) };
}

function planPlatform(text: string): Platform {
  return normalizePlatform(text === "local" ? hostPlatform() : parsePlatform(text, hostPlatform()));
}

function planSecrets(request: BuildRequest): readonly NamedSecret[] {
  const { secretFlags, secrets, env } = request;
  const fromFlags = (secretFlags ?? []).map((text): NamedSecret => {
    const { id, source } = parseSecret(csvFields(text), env);
    return source.kind === "file" ? { id, source: { kind: "file", path: requestPath(request, source.path), given: source.path } } : { id, source };
  });
  const functions = Object.entries(secrets ?? {}).map(([id, read]): NamedSecret => ({ id, source: { kind: "function", read } }));
  return [...fromFlags, ...functions];
}

/** A repository that is reached by ssh gets the caller's agent, as with buildx, where there is one. */
function planAgents({ ssh, env, workingDirectory }: BuildRequest, context: BuildPlan["context"]): readonly NamedAgent[] {
  const agents = parseAgents(ssh ?? [], { directory: workingDirectory ?? (context.kind === "directory" ? context.path : undefined), env });
  const isSsh = context.kind === "remote" && !/^(?:https?|git):\/\//.test(context.url) && !context.url.startsWith("github.com/");
  return agents.length > 0 || !isSsh || (env["SSH_AUTH_SOCK"] ?? "") === "" ? agents : [parseAgent("default", { directory: undefined, env })];
}
