import { InstructionError } from "./dockerfile-error.ts";
import { DurationError, parseDuration } from "./duration.ts";
import { parseFlags, type Flags } from "./flags.ts";
import { quote, toUpper } from "./go-text.ts";
import { commandLine, requireArguments, sourceOf } from "./instruction-source.ts";
import type { HealthcheckConfig, HealthcheckInstruction } from "./instruction.ts";
import type { DockerfileNode } from "./node.ts";

const MINIMUM_NS = 1_000_000n;
const MAX_INT32 = 2n ** 31n - 1n;

export function parseHealthcheck(node: DockerfileNode): HealthcheckInstruction {
  requireArguments(node.args, "HEALTHCHECK");
  const [word = "", ...args] = node.args;
  const type = toUpper(word);
  const health = type === "NONE" ? noHealthcheck(args) : healthcheck(node, type, args);
  return { ...sourceOf(node), kind: "healthcheck", health };
}

function noHealthcheck(args: readonly string[]): HealthcheckConfig {
  if (args.length > 0) throw new InstructionError("HEALTHCHECK NONE takes no arguments");
  return { test: ["NONE"], intervalNs: 0n, timeoutNs: 0n, startPeriodNs: 0n, startIntervalNs: 0n, retries: 0 };
}

function healthcheck(node: DockerfileNode, type: string, args: readonly string[]): HealthcheckConfig {
  const flags = parseFlags(node.flags, { interval: "text", timeout: "text", "start-period": "text", "start-interval": "text", retries: "text" });
  if (type !== "CMD") throw new InstructionError(`Unknown type ${quote(type)} in HEALTHCHECK (try CMD)`);
  const command = commandLine(args, node.json);
  if (command.length === 0) throw new InstructionError("Missing command after HEALTHCHECK CMD");
  return {
    test: [node.json ? "CMD" : "CMD-SHELL", ...command],
    intervalNs: interval(flags, "interval"),
    timeoutNs: interval(flags, "timeout"),
    startPeriodNs: interval(flags, "start-period"),
    startIntervalNs: interval(flags, "start-interval"),
    retries: retries(flags.text("retries")),
  };
}

/** 0 where the flag is absent or empty. */
function interval(flags: Flags, name: string): bigint {
  const text = flags.text(name);
  const ns = text === "" ? 0n : duration(text);
  if (ns !== 0n && ns < MINIMUM_NS) throw new InstructionError(`Interval ${quote(name)} cannot be less than 1ms`);
  return ns;
}

function duration(text: string): bigint {
  try {
    return parseDuration(text);
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    throw new InstructionError(error.message);
  }
}

function retries(text: string): number {
  if (text === "") return 0;
  if (!/^[+-]?[0-9]+$/.test(text)) throw new InstructionError(`strconv.ParseInt: parsing ${quote(text)}: invalid syntax`);
  const count = BigInt(text.replace(/^\+/, ""));
  if (count > MAX_INT32 || count < -MAX_INT32 - 1n) throw new InstructionError(`strconv.ParseInt: parsing ${quote(text)}: value out of range`);
  if (count < 0n) throw new InstructionError(`--retries cannot be negative (${count})`);
  return Number(count);
}
