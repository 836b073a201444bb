import { isIP } from "node:net";
import { InstructionError } from "../dockerfile-error.ts";
import { cut, quote, toLower } from "../go-text.ts";
import type { ExposeInstruction } from "../instruction.ts";
import { processWords } from "../shell-lex.ts";
import type { Conversion } from "./conversion.ts";
import { addHistory, plainList } from "./history.ts";
import type { StageDraft } from "./stage-draft.ts";

const PORT_MAX = 65_535;

export function convertExpose(instruction: ExposeInstruction, stage: StageDraft, conversion: Conversion): void {
  const specs = instruction.ports.flatMap((word) => processWords(word, stage.state.env, conversion.wordRules));
  const ports = specs.flatMap((spec) => {
    const parts = splitSpec(spec);
    reportForm(spec, parts, instruction, conversion);
    return portsOf(parts);
  });
  stage.image.config.exposedPorts = new Set([...stage.image.config.exposedPorts, ...ports]);
  addHistory(stage.image, `EXPOSE ${plainList(ports)}`, false, conversion.epochSeconds);
}

/** The ports, such as `80/tcp`, of one `[ip:][host:]port[/protocol]`. Throws InstructionError. */
export function parsePorts(spec: string): readonly string[] {
  return portsOf(splitSpec(spec));
}

interface PortSpec {
  readonly ip: string;
  readonly hostPort: string;
  readonly port: string;
  /** As written; `tcp` when left out. */
  readonly protocol: string;
}

function splitSpec(spec: string): PortSpec {
  const parts = spec.split(":");
  const { before: port, after: protocol } = cut(parts.at(-1) ?? "", "/");
  const refuse = (reason: string): InstructionError => new InstructionError(`invalid port: ${quote(spec)}: ${reason}`);
  if (port === "") throw refuse("no port specified");
  if (!["", "tcp", "udp", "sctp"].includes(toLower(protocol))) throw refuse(`invalid proto: ${protocol}`);
  return { ip: parts.slice(0, -2).join(":"), hostPort: parts.at(-2) ?? "", port, protocol: protocol === "" ? "tcp" : protocol };
}

function reportForm(spec: string, { ip, hostPort, protocol }: PortSpec, instruction: ExposeInstruction, { findings }: Conversion): void {
  if (protocol !== toLower(protocol)) findings.add("ExposeProtoCasing", `Defined protocol '${spec}' in EXPOSE instruction should be lowercase`, instruction);
  if (ip === "" && hostPort === "") return;
  findings.add("ExposeInvalidFormat", `EXPOSE instruction should not define an IP address or host-port mapping, found '${spec}'`, instruction);
}

function portsOf({ ip, hostPort, port, protocol }: PortSpec): readonly string[] {
  checkIp(ip);
  const range = parseRange(port);
  if (range === undefined) throw new InstructionError(`invalid containerPort: ${port}`);
  if (hostPort !== "") checkHostPort(hostPort, port, range);
  return Array.from({ length: range.last - range.first + 1 }, (_, index) => `${range.first + index}/${toLower(protocol)}`);
}

/** Nobody uses the address, but a wrong one is an error still. */
function checkIp(given: string): void {
  const ip = /^\[(.*)\]$/.exec(given)?.[1] ?? given;
  if (given.startsWith("[") && ip === given) throw new InstructionError(`invalid IP address ${given}: address ${given}:: missing ']' in address`);
  if (ip !== "" && (isIP(ip) === 0 || ip.includes("%"))) throw new InstructionError(`invalid IP address: ${ip}`);
}

interface PortRange {
  readonly first: number;
  readonly last: number;
}

function checkHostPort(hostPort: string, port: string, range: PortRange): void {
  const host = parseRange(hostPort);
  if (host === undefined) throw new InstructionError(`invalid hostPort: ${hostPort}`);
  const sameLength = host.last - host.first === range.last - range.first;
  if (!sameLength && range.first !== range.last) throw new InstructionError(`invalid ranges specified for container and host Ports: ${port} and ${hostPort}`);
}

function parseRange(text: string): PortRange | undefined {
  const { before, after, found } = cut(text, "-");
  const first = parsePort(before);
  const last = found ? parsePort(after) : first;
  return first === undefined || last === undefined || last < first ? undefined : { first, last };
}

function parsePort(text: string): number | undefined {
  const port = /^[+-]?[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  return port >= 0 && port <= PORT_MAX ? port : undefined;
}
