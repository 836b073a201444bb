import { canonicalJson } from "../content/canonical-json.ts";
import { formatReference, parseReference, withDigest } from "../oci/reference.ts";
import { formatPlatform } from "../oci/platform.ts";
import type { PolicyAnswer, PolicyLog } from "../policy/build-policy.ts";
import type { PolicyInput } from "../policy/input-value.ts";
import { PolicyError } from "../policy/policy-error.ts";
import type { PolicyRecord } from "../provenance/extension.ts";
import { evaluateSourcePolicies, type SourcePolicy } from "../policy/source-policy.ts";
import { NO_FACTS, policyInput, type AskedSource, type SourceFacts } from "./policy-input.ts";
import type { WantedFact } from "./source-facts.ts";

/** Lets sources in, or does not: whatever a build reads is asked about here before it is read. */
export interface SourceGate {
  /** What is to be used in place of the source: itself, where no policy says otherwise. Throws PolicyError. */
  admit(source: AskedSource, signal: AbortSignal): Promise<AskedSource>;
  /** The files of the policies that are asked. */
  readonly files: readonly PolicyRecord[];
  /** Whether one of the policies wants to be asked about the requests of steps, too. */
  readonly wantsProxy: boolean;
  /** The same gate with lists of rules of a frontend's, which are asked before those of the build or after them. */
  joined(lists: readonly SourcePolicy[], place: "before" | "after"): SourceGate;
}

export interface AskedPolicy {
  readonly decide: (source: AskedSource, input: PolicyInput, signal: AbortSignal) => Promise<PolicyAnswer>;
  readonly log: PolicyLog;
  readonly wantsProxy: boolean;
}

export interface GateMeans {
  /** Lists of rules; all are asked before the others. */
  readonly lists: readonly SourcePolicy[];
  readonly policies: readonly AskedPolicy[];
  /** The files of the policies, with what they have read so far. */
  readonly files: () => readonly PolicyRecord[];
  readonly facts: (wanted: WantedFact, signal: AbortSignal) => Promise<SourceFacts>;
  /** Shows the work as a step of the build. */
  readonly step: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Policies that are asked about one source, changed sources included: buildx's bound. */
const ROUNDS_MAX = 10;

/** What one policy may want to know of one source and of what that was made of, in turn. */
const LOOKUPS_MAX = 1000;

export const OPEN_GATE: SourceGate = {
  admit: async (source) => source,
  files: [],
  wantsProxy: false,
  joined: (lists) => (lists.length === 0 ? OPEN_GATE : sourceGate({ lists, policies: [], files: () => [], facts: async () => NO_FACTS, step: (work) => work() })),
};

export function sourceGate(means: GateMeans): SourceGate {
  const admitted = new Map<string, Promise<AskedSource>>();
  return {
    get files() {
      return means.files();
    },
    wantsProxy: means.policies.some(({ wantsProxy }) => wantsProxy),
    admit(source, signal) {
      const key = JSON.stringify([source.identifier, canonicalJson(source.attrs), formatPlatform(source.platform)]);
      let answer = admitted.get(key);
      if (answer === undefined) admitted.set(key, (answer = admit(source, means, signal)));
      return answer;
    },
    joined(lists, place) {
      if (lists.length === 0) return this;
      return sourceGate({ ...means, lists: place === "before" ? [...lists, ...means.lists] : [...means.lists, ...lists] });
    },
  };
}

async function admit(asked: AskedSource, means: GateMeans, signal: AbortSignal): Promise<AskedSource> {
  let source = asked;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    source = { ...source, ...evaluateSourcePolicies(means.lists, source) };
    if (means.policies.length === 0) return source;
    const held = source;
    const pinned = await means.step(() => askAll(held, means, signal));
    if (pinned === undefined) return source;
    source = pinned;
  }
  throw new PolicyError(`too many policy requests for source ${JSON.stringify(asked.identifier)}`);
}

/** All have to allow. The first that holds the image to a digest has all asked anew, about that. */
async function askAll(source: AskedSource, means: GateMeans, signal: AbortSignal): Promise<AskedSource | undefined> {
  for (const asked of means.policies) {
    asked.log("info", `checking policy for source ${sourceName(source)}`);
    const pins = await askOne(source, asked, means, signal);
    const [digest, ...others] = pins;
    if (others.length > 0) throw new PolicyError(`multiple image pins set to ${sourceName(source)}: ${pins.join(", ")}`);
    const pinned = digest === undefined ? source.identifier : withPin(source.identifier, digest);
    if (pinned !== source.identifier) {
      asked.log("info", `policy decision for source ${sourceName(source)}: convert to ${pinned}`);
      return { ...source, identifier: pinned };
    }
    asked.log("info", `policy decision for source ${sourceName(source)}: ALLOW`);
  }
  return undefined;
}

/** The pins of one policy that allows the source. What it wants to know is looked up when it asks. */
async function askOne(source: AskedSource, { decide, log }: AskedPolicy, { facts }: GateMeans, signal: AbortSignal): Promise<readonly string[]> {
  let known = NO_FACTS;
  for (let lookups = 0; lookups < LOOKUPS_MAX; lookups++) {
    const answer = await decide(source, policyInput(source, known), signal);
    if (answer.kind === "wants") {
      log("info", `policy decision for source ${sourceName(source)}: resolve missing fields [${answer.field}]`);
      known = await facts({ source, known, field: answer.field, tell: (message) => log("debug", message) }, signal);
      continue;
    }
    if (answer.allow) return answer.pins;
    log("info", `policy decision for source ${sourceName(source)}: DENY`);
    for (const message of answer.messages) log("info", ` - ${message}`);
    throw new PolicyError(`source ${JSON.stringify(source.identifier)} not allowed by policy: action DENY`, { denials: answer.messages });
  }
  throw new PolicyError(`source ${JSON.stringify(source.identifier)}: the policy wants to know more than ${LOOKUPS_MAX} things of it`);
}

function withPin(identifier: string, digest: string): string {
  const prefix = "docker-image://";
  if (!identifier.startsWith(prefix)) {
    if (identifier.endsWith(`@${digest}`)) return identifier;
    throw new PolicyError(`cannot pin non-image source: ${JSON.stringify(identifier)}`);
  }
  return prefix + formatReference(withDigest(parseReference(identifier.slice(prefix.length)), digest));
}

function sourceName({ identifier, platform }: AskedSource): string {
  return /^(?:docker-image|oci-layout):/.test(identifier) ? `${identifier} (${formatPlatform(platform)})` : identifier;
}
