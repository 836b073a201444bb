import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { isGitSource } from "../frontend/dockerfile/git-reference.ts";
import { systemClock } from "../host/clock.ts";
import type { Environment } from "../host/environment.ts";
import { hostPlatform } from "../host/host-platform.ts";
import { randomId } from "../host/random.ts";
import { InvalidPlatformError, parsePlatform, type Platform } from "../oci/platform.ts";
import { formatReference, InvalidReferenceError, parseReference, tagNameOnly } from "../oci/reference.ts";
import { inputJson } from "../policy/input-json.ts";
import { PolicyError } from "../policy/policy-error.ts";
import { asBuildError, BuildError } from "./build-error.ts";
import { openBuildMeans } from "./build-means.ts";
import type { BuildServices } from "./build-services.ts";
import { openEngine } from "./engine.ts";
import { logScrubber } from "./log-scrubber.ts";
import { planBuild } from "./plan-build.ts";
import { NO_FACTS, policyInput, type AskedSource, type SourceFacts } from "./policy-input.ts";
import { RequestError } from "./request-error.ts";
import { PLAIN_MASKING, scrubFailure } from "./scrub-failure.ts";
import { sourceFacts } from "./source-facts.ts";

/** A source to ask a policy about, or to show. */
export interface PolicyQuery {
  /** `docker-image://…`, `git://…`, an address of the web, or a path. */
  readonly source: string;
  /** Default: this machine's. */
  readonly platform: string | undefined;
  readonly root: string;
  readonly env: Environment;
  /** Where the files of policies are. */
  readonly workingDirectory: string;
  /** Told of what the policy prints, and of what is found out. */
  readonly tell: (message: string) => void;
  readonly signal: AbortSignal;
}

/** A source that is denied, or that cannot be asked about. Nothing was to be built. */
export class PolicyQueryError extends Error {
  override readonly name = "PolicyQueryError";
  readonly code: string;
  readonly retryable: boolean;

  constructor(failure: BuildError) {
    super(failure.message, { cause: failure });
    this.code = failure.code;
    this.retryable = failure.retryable;
  }
}

/** Asks the policy of a file as a build would. Throws PolicyQueryError where it denies the source, in buildx's words. */
export async function evaluatePolicy(query: PolicyQuery, file: { readonly name: string; readonly text: string }): Promise<void> {
  await withServices(query, file, async ({ gate }, source) => {
    try {
      await gate.admit(source, query.signal);
    } catch (error) {
      if (error instanceof PolicyError && error.isDenial) throw new PolicyError(error.denials.length === 0 ? "policy denied" : `policy denied: ${error.denials.join("; ")}`, { cause: error });
      throw error;
    }
  });
}

/** What a policy would see. */
export interface ShownInput {
  readonly input: Readonly<Record<string, unknown>>;
  /** Members that were asked for, and that there are not. */
  readonly invalid: readonly string[];
  /** Members that nobody has looked up: the first two names, where none was asked for. */
  readonly unresolved: readonly string[];
}

/** The input for a source, with the members that are to be looked up. Throws PolicyQueryError. */
export async function showInput(query: PolicyQuery, fields: readonly string[]): Promise<ShownInput> {
  return await withServices(query, undefined, async (services, source) => {
    let facts = NO_FACTS;
    const found = new Set<string>();
    for (const field of fields) {
      for (let open = openAbove(field, source, facts); open !== undefined; open = openAbove(field, source, facts)) {
        facts = await sourceFacts({ source, known: facts, field: open, tell: query.tell }, { ...services, env: query.env }, query.signal);
        // What a material is in does not make it one.
        if (open === field || !field.includes(".materials[")) found.add(field);
      }
    }
    const open = fields.length > 0 ? [] : openFields(source, facts).map((field) => field.split(".").slice(0, 2).join("."));
    return { input: inputJson(policyInput(source, facts)), invalid: fields.filter((field) => !found.has(field)), unresolved: [...new Set(open)].toSorted() };
  });
}

/** The member that has to be looked up before there can be this one: itself, or one that it is in. */
function openAbove(field: string, source: AskedSource, facts: SourceFacts): string | undefined {
  const above = openFields(source, facts).filter((open) => field === open || field.startsWith(`${open}.`) || field.startsWith(`${open}[`));
  return above.toSorted((a, b) => b.length - a.length)[0];
}

function openFields(source: AskedSource, facts: SourceFacts): readonly string[] {
  const { kind, open } = policyInput(source, facts);
  const ofMaterials = facts.materials.flatMap((material, i) => openFields(material.source, material.facts).map((field) => `image.provenance.materials[${i}].${field}`));
  return [...open.filter((member) => member !== "createdTime").map((member) => `${kind}.${member}`), ...ofMaterials];
}

/** With what a build has, and nothing to build. */
async function withServices<T>(query: PolicyQuery, file: { readonly name: string; readonly text: string } | undefined, work: (services: BuildServices, source: AskedSource) => Promise<T>): Promise<T> {
  const { root, env, workingDirectory, signal, tell } = query;
  try {
    const source = await parseSource(query);
    const request = { context: { empty: true }, dockerfile: { text: Buffer.from("FROM scratch\n") }, root, env, workingDirectory } as const;
    const built = planBuild(request);
    const name = file?.name ?? "";
    const plan = {
      ...built,
      dockerfile: { kind: "in-context", name: name.replace(/\.rego$/, "") } as const,
      policies: { sets: file === undefined ? [] : [{ files: [{ ...file, path: undefined, isOptional: false }], logLevel: "debug" as const }], directory: workingDirectory, workingDirectory, sourcePolicy: undefined },
    };
    const log = logScrubber(plan);
    await using engine = await openEngine({ root, sandboxes: undefined, env, sandbox: "auto", report: () => undefined });
    const report = log.report((event) => (event.kind === "step-output" ? tell(Buffer.from(event.bytes).toString("utf8").trimEnd()) : undefined));
    await using means = await openBuildMeans(plan, { id: randomId(), startedNs: systemClock.nowNs(), engine, request, log, report }, signal);
    return await work(means.services, source);
  } catch (error) {
    signal.throwIfAborted();
    const failure = scrubFailure(asBuildError(error), PLAIN_MASKING);
    throw failure instanceof BuildError ? new PolicyQueryError(failure) : failure;
  }
}

/** As buildx tells sources apart. Throws RequestError. */
async function parseSource({ source, platform, workingDirectory }: PolicyQuery): Promise<AskedSource> {
  const asked = { attrs: {}, platform: platformOf(platform) };
  if (source.startsWith("docker-image://")) return { ...asked, identifier: `docker-image://${referenceText(source.slice("docker-image://".length))}` };
  if (source.startsWith("git://")) return { ...asked, identifier: source };
  if (/^https?:\/\//.test(source)) {
    if (!URL.canParse(source)) throw new RequestError("usage", `${source}: this is no URL`);
    return isGitSource(source) ? { ...asked, identifier: `git://${source}`, attrs: { "git.fullurl": source } } : { ...asked, identifier: source };
  }
  if (!existsSync(resolve(workingDirectory, source))) throw new RequestError("missing-input", `invalid local path ${source}: no such file or directory; an image is named docker-image://NAME`);
  return { ...asked, identifier: "local://context" };
}

function platformOf(text: string | undefined): Platform {
  try {
    return text === undefined || text === "" ? hostPlatform() : parsePlatform(text, hostPlatform());
  } catch (error) {
    if (error instanceof InvalidPlatformError) throw new RequestError("usage", `invalid platform ${JSON.stringify(text)}: ${error.message}`);
    throw error;
  }
}

function referenceText(text: string): string {
  try {
    return formatReference(tagNameOnly(parseReference(text)));
  } catch (error) {
    if (error instanceof InvalidReferenceError) throw new RequestError("usage", `failed to parse image source reference: ${error.message}`);
    throw error;
  }
}
