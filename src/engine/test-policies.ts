import { readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { systemClock } from "../host/clock.ts";
import { hostPlatform } from "../host/host-platform.ts";
import { InvalidPlatformError, parsePlatform, type Platform } from "../oci/platform.ts";
import { InvalidReferenceError, parseReference } from "../oci/reference.ts";
import { inputJson } from "../policy/input-json.ts";
import { runPolicyTests, type PolicyTestResult } from "../policy/policy-tests.ts";
import type { Source } from "../policy/rego/program.ts";
import { Awaited } from "./awaited.ts";
import { PolicyFiles } from "./policy-files.ts";
import { NO_FACTS, policyInput } from "./policy-input.ts";
import { RequestError } from "./request-error.ts";

export type { PolicyTestResult };

export interface PolicyTestRequest {
  /** A file, or a directory with files, `*_test.rego`. */
  readonly path: string;
  /** The policy, without `.rego`. */
  readonly filename: string;
  readonly run: string;
  readonly workingDirectory: string;
  readonly signal: AbortSignal;
}

const SUFFIX = "_test.rego";

/** Runs the tests of a policy. Throws PolicyError and RequestError. */
export async function testPolicies({ path, filename, run, workingDirectory, signal }: PolicyTestRequest): Promise<readonly PolicyTestResult[]> {
  if (filename === "") throw new RequestError("usage", "policy filename is required");
  const policy = await readSource(`${filename}.rego`, "policy module", workingDirectory);
  const tests = await readTests(path, workingDirectory);
  const awaited = new Awaited();
  const files = new PolicyFiles({ sets: [], directory: workingDirectory, workingDirectory, sourcePolicy: undefined }, async () => undefined, awaited);
  const nowNs = systemClock.nowNs();
  return await awaited.run(() => runPolicyTests({ policy, tests, run, complete, nowNs, readModule: (name) => files.module(name), readFile: (name) => files.data(name) }), signal);
}

async function readTests(path: string, workingDirectory: string): Promise<readonly Source[]> {
  const found = await stat(resolve(workingDirectory, path)).catch((error: unknown) => {
    throw new RequestError("missing-input", `stat ${path}: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (!found.isDirectory()) {
    if (!path.endsWith(SUFFIX)) throw new RequestError("usage", `test file must have ${SUFFIX} suffix: ${path}`);
    return [await readSource(path, "policy test module", workingDirectory)];
  }
  const entries = await readdir(resolve(workingDirectory, path), { withFileTypes: true });
  const names = entries.filter((entry) => !entry.isDirectory() && entry.name.endsWith(SUFFIX)).map(({ name }) => join(path, name)).toSorted();
  if (names.length === 0) throw new RequestError("missing-input", `no policy tests found: ${path} has no file *${SUFFIX}`);
  return await Promise.all(names.map((name) => readSource(name, "policy test module", workingDirectory)));
}

async function readSource(file: string, what: string, workingDirectory: string): Promise<Source> {
  try {
    return { file, text: await readFile(resolve(workingDirectory, file), "utf8") };
  } catch (error) {
    throw new RequestError("missing-input", `read ${what} ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

type Json = Readonly<Record<string, unknown>>;

/** What the name of an image says, where a test gives it alone; what the test gives counts. */
function complete(input: Json): Json {
  const image = input["image"];
  if (typeof image !== "object" || image === null) return input;
  const { ref, fullRepo, repo, tag, platform } = image as Json;
  const named = [ref, fullRepo, repo].find((each): each is string => typeof each === "string" && each !== "");
  if (named === undefined) return input;
  try {
    const written = typeof tag === "string" && !named.includes(":") ? `${named}:${tag}` : named;
    const reference = parseReference(written.startsWith("oci-layout://") ? written.slice("oci-layout://".length) : written);
    const scheme = written.startsWith("oci-layout://") ? "oci-layout" : "docker-image";
    const identifier = `${scheme}://${reference.domain}/${reference.path}${reference.tag === undefined ? "" : `:${reference.tag}`}${reference.digest === undefined ? "" : `@${reference.digest}`}`;
    const whole = inputJson(policyInput({ identifier, attrs: {}, platform: platformOf(platform) }, NO_FACTS));
    return { ...input, image: { ...(whole["image"] as Json), ...image } };
  } catch (error) {
    // A name that nothing can have is the test's own matter.
    if (error instanceof InvalidReferenceError || error instanceof InvalidPlatformError) return input;
    throw error;
  }
}

function platformOf(platform: unknown): Platform {
  return typeof platform === "string" ? parsePlatform(platform, hostPlatform()) : hostPlatform();
}
