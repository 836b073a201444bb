import { PolicyError } from "./policy-error.ts";
import { isArray, RegoObject, RegoSet, typeName, type Value } from "./rego/value.ts";

/** What a policy says of one source. */
export interface Decision {
  readonly allow: boolean;
  readonly messages: readonly string[];
  readonly capabilities: ReadonlyMap<string, boolean>;
}

/** What a policy may ask of the builder. */
const CAPABILITIES: readonly string[] = ["exec.proxy"];

/** Reads `data.docker.decision`. Throws PolicyError for what is no decision: it must not pass for one. */
export function readDecision(value: Value | undefined): Decision {
  if (value === undefined) throw new PolicyError("policy returned zero result: it needs a rule `decision` in the package docker");
  if (!(value instanceof RegoObject)) throw new PolicyError(`unexpected policy return type: ${typeName(value)}: decision must be an object such as {"allow": allow}`);
  const allow = value.get("allow");
  if (allow !== undefined && typeof allow !== "boolean") throw new PolicyError(`invalid allowed property type ${typeName(allow)}, expecting bool`);
  return { allow: allow === true, messages: messagesOf(value.get("deny_msg")), capabilities: capabilitiesOf(value.get("caps")) };
}

function messagesOf(value: Value | undefined): readonly string[] {
  if (value === undefined || value === null) return [];
  const members = value instanceof RegoSet ? value.values() : isArray(value) ? value : [];
  return members.filter((each) => typeof each === "string");
}

function capabilitiesOf(value: Value | undefined): ReadonlyMap<string, boolean> {
  if (value === undefined) return new Map();
  if (!(value instanceof RegoObject)) throw new PolicyError(`invalid caps property type ${typeName(value)}, expecting object`);
  return new Map(value.entries().map(([name, wanted]) => {
    if (typeof name !== "string" || !CAPABILITIES.includes(name)) throw new PolicyError(`unknown policy cap ${JSON.stringify(name)}`);
    if (typeof wanted !== "boolean") throw new PolicyError(`invalid caps.${name} property type ${typeName(wanted)}, expecting bool`);
    return [name, wanted] as const;
  }));
}
